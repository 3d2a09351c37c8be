package pipeline_test

import (
	"context"
	"iter"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// lateReader is a store that breaks while it loads x, and goes on with that while it loads y.
type lateReader struct {
	engine.Store
	breaks     func()
	loadX      chan func() // load of x sends once, load of y receives; room for it
	broke, end bool
}

func (s *lateReader) Load(ctx context.Context, id string, from engine.Version) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		switch {
		case id == "x" && !s.broke:
			s.broke = true
			s.loadX <- func() { s.Store.Load(context.Background(), id, from)(yield) }
			s.breaks()
		case id == "y" && !s.end:
			s.end = true
			(<-s.loadX)()
		}
		s.Store.Load(ctx, id, from)(yield)
	}
}

// The state of an aggregate is made of its own events, whatever a store still reads of another one that it could not load.
func TestStoreThatReadsOn(t *testing.T) {
	for name, breaks := range map[string]func(){"panic": func() { panic("connection lost") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			for range 10 { // the runtime may forget what serves again
				store := memory.New()
				newBelt(t, store, pipeline.Options{}).feed(append(puts("x", 50), puts("y", 3)...)...)
				late := &lateReader{Store: store, breaks: breaks, loadX: make(chan func(), 1)}
				b := newBelt(t, late, pipeline.Options{Workers: 1, Retry: once}).start()
				_, err := b.Do(t.Context(), puts("x", 1)[0])
				require.Error(t, err)
				_, err = b.Do(t.Context(), puts("y", 1)[0])
				require.NoError(t, err)
				b.end()
				require.Equal(t, 4, balanceOf(t, store, "y"))
			}
		})
	}
}
