package pipeline

import (
	"errors"
	"runtime/debug"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// errExited is the failure of code that ended its goroutine instead of returning.
var errExited = errors.New("pipeline: the code ended its goroutine (runtime.Goexit) instead of returning")

// caught runs what reaches code that was given to us, as a payload's UnmarshalJSON. Its panic is an error.
func caught(run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &engine.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return sound(run())
}

// apart is caught in a goroutine of its own, which is waited for, where code that ends its goroutine must not end ours.
func apart(run func() error) error {
	err := errExited
	var done sync.WaitGroup
	done.Go(func() { err = caught(run) })
	done.Wait()
	return err
}
