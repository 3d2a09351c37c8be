package memory

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// However long somebody has the lock, an append waits for it.
func TestAppendWaitsForTheLock(t *testing.T) {
	s := New()
	s.mu.Lock()
	done := make(chan []engine.Result) // the append sends, the test receives; unbuffered, nobody closes
	go func() {
		done <- s.Append(t.Context(), []engine.Append{{Aggregate: "a", CommandID: engine.NewID()}})
	}()
	for range 10 * lockLooks {
		runtime.Gosched()
	}
	select {
	case <-done:
		t.Error("appended beside somebody who has the lock")
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
