package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// However long somebody has the lock of the lanes, a command waits for it, and two wait as one does. (No bubble: to wait for
// a mutex does not count as blocked there.)
func TestAdmissionWaitsForTheLock(t *testing.T) {
	ls := newLanes(8, 0, 1)
	ls.mu.Lock()
	begun := make(chan struct{}) // the admissions' goroutines send once each, the test receives; nobody closes
	// The admissions' goroutines send once each, the test receives, nobody closes. Capacity 2: they end also when it fails.
	entered := make(chan int, 2)
	for range cap(entered) {
		go func() {
			begun <- struct{}{}
			entered <- ls.enter(0, nil, engine.NewCommand("a", nil))
		}()
	}
	for range cap(entered) {
		<-begun
	}
	time.Sleep(10 * longLook) // so that they have done with looking, as a rule; they must wait in any case
	require.Empty(t, entered, "entered beside somebody who has the lock")
	ls.mu.Unlock()
	for range cap(entered) {
		select {
		case n := <-entered:
			require.Equal(t, 1, n)
		case <-time.After(time.Minute):
			t.Fatal("the admission hangs")
		}
	}
}

// One looks at a time, and the next one may when that has done with it, whether or not it got the lock.
func TestOneLooks(t *testing.T) {
	ls := newLanes(8, 0, 1)
	ls.looking.Store(true)
	require.False(t, ls.look(), "looked beside another")
	require.True(t, ls.looking.Load())
	ls.looking.Store(false)

	require.True(t, ls.look(), "the lock is free")
	require.False(t, ls.looking.Load())
	require.False(t, ls.look(), "it has the lock itself")
	require.False(t, ls.looking.Load())
}
