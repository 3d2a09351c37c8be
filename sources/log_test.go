package sources_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/reugn/go-streams/flow"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sources"
)

// growing is the reading half of a store, in memory. Its positions are 10, 20, 30, …
type growing struct {
	engine.Store
	mu    sync.Mutex
	n     int
	grown chan struct{} // closed by add when the log grows, and by nobody else; readers wait on it
	err   error
}

func (g *growing) add(n int, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n, g.err = g.n+n, err
	if g.grown != nil {
		close(g.grown)
		g.grown = nil
	}
}

func (g *growing) Read(ctx context.Context, after engine.Position) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		g.mu.Lock()
		n, err := g.n, g.err
		g.mu.Unlock()
		for p := after/10*10 + 10; p <= engine.Position(n)*10; p += 10 {
			if ctx.Err() != nil {
				yield(engine.Event{}, ctx.Err())
				return
			}
			if !yield(engine.Event{Position: p}, nil) {
				return
			}
		}
		if err != nil {
			yield(engine.Event{}, err)
		}
	}
}

func (g *growing) Wait(ctx context.Context, after engine.Position) error {
	g.mu.Lock()
	if engine.Position(g.n)*10 > after || g.err != nil {
		defer g.mu.Unlock()
		return g.err
	}
	if g.grown == nil {
		g.grown = make(chan struct{}) // nobody sends, add closes, readers receive
	}
	grown := g.grown
	g.mu.Unlock()
	select {
	case <-grown:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func positions(t *testing.T, elements []any) (all []engine.Position) {
	t.Helper()
	for _, e := range elements {
		all = append(all, e.(*engine.Event).Position)
	}
	return all
}

func TestLogToEndReadsWhatIsThere(t *testing.T) {
	store := &growing{n: 5}
	s := sources.LogToEnd(store, 20)
	require.Equal(t, []engine.Position{30, 40, 50}, positions(t, streamed(s.Out())))
	require.NoError(t, s.Err())
	require.Empty(t, streamed(sources.LogToEnd(store, 50).Via(flow.NewPassThrough()).Out()))
}

func TestLogGoesOnWithWhatIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		store := &growing{n: 2}
		s := sources.Log(store, 0)
		s.Start(ctx)
		var got []any
		ended := make(chan struct{}) // closed by the goroutine below at its end
		go func() {
			defer close(ended)
			for e := range s.Out() {
				got = append(got, e)
			}
		}()
		synctest.Wait()
		require.Len(t, got, 2)
		for range 3 {
			store.add(1, nil)
			synctest.Wait()
		}
		require.Equal(t, []engine.Position{10, 20, 30, 40, 50}, positions(t, got))
		cancel()
		<-ended
		require.NoError(t, s.Err())
	})
}

func TestLogEndsWithTheStoresError(t *testing.T) {
	damaged := errors.New("damaged")
	for name, s := range map[string]*sources.EventSource{
		"log":    sources.Log(&growing{n: 2, err: damaged}, 0),
		"to end": sources.LogToEnd(&growing{n: 2, err: damaged}, 0),
	} {
		require.Len(t, streamed(s.Out()), 2, name)
		require.Equal(t, damaged, s.Err())
	}
	s := sources.Log(nil, 0) // a nil store panics
	require.Empty(t, streamed(s.Out()))
	var p *engine.PanicError
	require.ErrorAs(t, s.Err(), &p)
}

func TestCancelledReadOfTheLogIsNoError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := sources.LogToEnd(&growing{n: 1000}, 0)
	s.Start(ctx)
	out := s.Out()
	<-out
	cancel()
	require.Less(t, len(streamed(out)), 3)
	require.NoError(t, s.Err())
}
