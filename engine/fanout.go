package engine

import "sync"

// FanOut calls call(0) to call(n-1) at once and returns when all of them have returned: the last in the caller's
// goroutine, each other one in its own. Call must not panic. A call that ends its goroutine (runtime.Goexit, as a failed
// require in a test does) ends the caller's when it is the last, after all others have returned.
func FanOut(n int, call func(i int)) {
	if n == 0 {
		return
	}
	var wg sync.WaitGroup
	for i := range n - 1 {
		wg.Go(func() { call(i) })
	}
	defer wg.Wait() // deferred, for a last call that ends this goroutine
	call(n - 1)
}
