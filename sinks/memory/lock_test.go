package memory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// However long somebody has the lock, an append waits for it. (No bubble: to wait for a mutex does not count as blocked
// there.)
func TestAppendWaitsForTheLock(t *testing.T) {
	s := New()
	s.mu.Lock()
	begun := make(chan struct{}) // the append's goroutine closes it, the test receives; nobody sends
	// The append's goroutine sends once, the test receives, nobody closes. Capacity 1: it ends also when the test fails.
	done := make(chan []engine.Result, 1)
	go func() {
		close(begun)
		done <- s.Append(t.Context(), []engine.Append{{Aggregate: "a", CommandID: engine.NewID()}})
	}()
	<-begun
	time.Sleep(10 * time.Millisecond) // so that it has done with trying, as a rule; it must wait in any case
	select {
	case <-done:
		t.Fatal("appended beside somebody who has the lock")
	default:
	}
	s.mu.Unlock()
	select {
	case results := <-done:
		require.NoError(t, results[0].Err)
	case <-time.After(time.Minute):
		t.Fatal("the append hangs")
	}
}
