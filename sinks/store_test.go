package sinks_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// slowStore takes its time, counts calls, and answers as it is told.
type slowStore struct {
	engine.Store
	takes  time.Duration
	append func(ctx context.Context, batch []engine.Append) []engine.Result // nil: as the store behind

	mu    sync.Mutex
	calls []int // how many appends each call had
}

// Capabilities leaves out that the store behind is instant: this one is not.
func (s *slowStore) Capabilities() engine.Capabilities { return engine.Capabilities{Name: "slow"} }

func (s *slowStore) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	time.Sleep(s.takes)
	s.mu.Lock()
	s.calls = append(s.calls, len(batch))
	s.mu.Unlock()
	if s.append != nil {
		return s.append(ctx, batch)
	}
	return s.Store.Append(ctx, batch)
}

// none says that the batch was told nothing yet.
func (s *settled) none(t *testing.T) {
	t.Helper()
	times, _ := s.told()
	require.Zero(t, times)
}

// batchOf makes a batch of n appends of one event each, and notes the results in the place that it gives.
func batchOf(aggregate string, n int) (*engine.Batch, *settled) {
	b, s := &engine.Batch{}, &settled{}
	for range n {
		b.Appends = append(b.Appends, engine.Append{Aggregate: aggregate, Expected: engine.Any, Events: []engine.Event{
			{Message: engine.Message{ID: engine.NewID(), Type: "ticked", Subject: aggregate}},
		}})
	}
	b.Settle = func(results []engine.Result) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.times++
		s.results = append(s.results, results...)
	}
	return b, s
}

// settled is what a batch was told.
type settled struct {
	mu      sync.Mutex
	times   int
	results []engine.Result
}

func (s *settled) told() (times int, results []engine.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.times, s.results
}

func (s *settled) ok(t *testing.T, n int) {
	t.Helper()
	times, results := s.told()
	require.Equal(t, 1, times)
	require.Len(t, results, n)
	for _, r := range results {
		require.NoError(t, r.Err)
	}
}

// While the store is busy the next group gathers; each batch is settled only when its group is stored.
func TestStoreGroupsAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: memory.New(), takes: time.Second}
		sink := sinks.NewStore(store)
		require.Same(t, store, sink.Store())
		var all []*settled
		record := func(n int) {
			b, s := batchOf(fmt.Sprint("a", len(all)), n)
			all = append(all, s)
			sink.Record(b)
		}
		record(1) // before Run: it waits
		ended := make(chan error, 1)
		go func() { ended <- sink.Run(t.Context()) }()
		synctest.Wait()
		for range 10 {
			record(3)
		}
		synctest.Wait()
		all[0].none(t) // not before it is stored
		time.Sleep(time.Second)
		synctest.Wait()
		all[0].ok(t, 1)
		all[1].none(t)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, []int{1, 30}, store.calls)
		for _, s := range all[1:] {
			s.ok(t, 3)
		}
		sink.Close()
		require.NoError(t, <-ended)
	})
}

// A group has at most 4096 appends, and a batch is never split.
func TestStoreBoundsItsGroups(t *testing.T) {
	store := &slowStore{Store: memory.New()}
	sink := sinks.NewStore(store)
	sizes := []int{4000, 96, 1, 5000, 2, 4095}
	var all []*settled
	for i, n := range sizes {
		b, s := batchOf(fmt.Sprint("a", i), n)
		all = append(all, s)
		sink.Record(b)
	}
	sink.Close()
	require.NoError(t, sink.Run(t.Context()))
	require.Equal(t, []int{4000 + 96, 1, 5000, 2, 4095}, store.calls)
	for i, n := range sizes {
		all[i].ok(t, n)
	}
}

// A store that panics or answers in the wrong number may have stored anything.
func TestStoreThatBreaks(t *testing.T) {
	for name, answer := range map[string]func(context.Context, []engine.Append) []engine.Result{
		"panic":  func(context.Context, []engine.Append) []engine.Result { panic("torn") },
		"none":   func(context.Context, []engine.Append) []engine.Result { return nil },
		"others": func(context.Context, []engine.Append) []engine.Result { return make([]engine.Result, 4) },
	} {
		t.Run(name, func(t *testing.T) {
			sink := sinks.NewStore(&slowStore{Store: memory.New(), append: answer})
			a, first := batchOf("a", 2)
			b, second := batchOf("b", 1)
			sink.Record(a)
			sink.Record(b)
			sink.Close()
			require.NoError(t, sink.Run(t.Context()))
			for _, r := range append(first.results, second.results...) {
				require.ErrorIs(t, r.Err, engine.ErrUnknown)
			}
			require.Equal(t, []int{2, 1}, []int{len(first.results), len(second.results)})
		})
	}
}

// Once the context is done, what is not with the store yet is answered; what is with it, is finished.
func TestStoreCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: memory.New(), takes: time.Second}
		store.append = func(_ context.Context, batch []engine.Append) []engine.Result {
			return store.Store.Append(context.Background(), batch) // it was on its way
		}
		sink := sinks.NewStore(store)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- sink.Run(ctx) }()
		a, first := batchOf("a", 1)
		sink.Record(a)
		synctest.Wait()
		b, second := batchOf("b", 2)
		sink.Record(b)
		cancel()
		time.Sleep(2 * time.Second)
		c, third := batchOf("c", 1)
		sink.Record(c)
		synctest.Wait()
		sink.Close()
		require.NoError(t, <-ended)
		first.ok(t, 1)
		for _, s := range []*settled{second, third} {
			require.Equal(t, 1, s.times)
			require.ErrorIs(t, s.results[0].Err, context.Canceled)
		}
		d, late := batchOf("d", 2)
		sink.Record(d)
		require.Len(t, late.results, 2)
		require.ErrorIs(t, late.results[1].Err, engine.ErrClosed)
		require.Equal(t, []int{1}, store.calls)
	})
}

// The sinks behind the store get what is stored from now on, each event once, in position sequence, to the last.
func TestStoreThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		earlier, _ := batchOf("a", 5)
		store.Append(t.Context(), earlier.Appends)
		follower := func(got *[]engine.Position, takes time.Duration) *sinks.FuncSink {
			return sinks.Func(func(e *engine.Event) error {
				time.Sleep(takes)
				stored := 0
				for _, err := range store.Load(t.Context(), e.Subject, e.Version) {
					require.NoError(t, err)
					stored++
				}
				require.Positive(t, stored, "no subscriber sees what Load does not return")
				*got = append(*got, e.Position)
				return nil
			})
		}
		var fast, slow []engine.Position
		sink := sinks.NewStore(store).Then(follower(&fast, 0)).Then(follower(&slow, time.Second))
		ended := make(chan error, 1)
		go func() { ended <- sink.Run(t.Context()) }()
		synctest.Wait()
		var want []engine.Position
		begin := time.Now()
		for i := range 100 {
			b, s := batchOf(fmt.Sprint("a", i%7), 2)
			sink.Record(b)
			synctest.Wait()
			s.ok(t, 2)
			want = append(want, engine.Position(6+2*i), engine.Position(7+2*i))
		}
		require.Zero(t, time.Since(begin), "a slow sink holds up no append")
		require.Equal(t, want, fast, "nor another sink")
		sink.Close()
		require.NoError(t, <-ended)
		require.Equal(t, want, slow)
		require.Equal(t, 200*time.Second, time.Since(begin))
	})
}

// A sink behind the store that never ends is cut off by the context.
func TestStoreThenCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		sink := sinks.NewStore(memory.New()).Then(sinks.Func(func(*engine.Event) error { n++; time.Sleep(time.Hour); return nil }))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- sink.Run(ctx) }()
		synctest.Wait()
		b, s := batchOf("a", 1000)
		sink.Record(b)
		synctest.Wait()
		s.ok(t, 1000)
		sink.Close()
		cancel()
		<-ended // when the sink is done with what it has received
		require.Less(t, n, 100)
	})
}

type noEnd struct{ engine.Store }

var errNoEnd = errors.New("no end")

func (noEnd) End(context.Context) (engine.Position, error) { return 0, errNoEnd }

type noRead struct{ engine.Store }

func (noRead) Read(context.Context, engine.Position) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) { yield(engine.Event{}, errNoEnd) }
}

// A log that cannot be read is told; the appends go on, and the sinks behind are closed.
func TestStoreThenWithoutALog(t *testing.T) {
	for _, store := range []engine.Store{noEnd{memory.New()}, noRead{memory.New()}} {
		behind := sinks.Func(func(*engine.Event) error { return nil })
		sink := sinks.NewStore(store).Then(behind)
		b, s := batchOf("a", 3)
		sink.Record(b)
		sink.Close()
		require.ErrorIs(t, sink.Run(t.Context()), errNoEnd)
		s.ok(t, 3)
		behind.AwaitCompletion()
	}
}

// At the end of a plain chain: batches are stored, what is no batch is told by Err.
func TestStoreAsAStreamSink(t *testing.T) {
	for name, foreign := range map[string]any{
		"number": 17, "nil": nil, "nil batch": (*engine.Batch)(nil), "batch by value": engine.Batch{}, "command": engine.NewCommand("a", 1),
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			var got []engine.Version
			sink := sinks.NewStore(store).Then(sinks.Func(func(e *engine.Event) error { got = append(got, e.Version); return nil }))
			a, first := batchOf("a", 3)
			b, second := batchOf("a", 2)
			pour(sink, a, foreign, foreign, b)
			first.ok(t, 3)
			second.ok(t, 2)
			var payload *engine.PayloadError
			require.ErrorAs(t, sink.Err(), &payload)
			require.Equal(t, "*engine.Batch", payload.Want)
			require.Subset(t, []engine.Version{1, 2, 3, 4, 5}, got)
		})
	}
	sink := sinks.NewStore(memory.New())
	pour(sink)
	require.NoError(t, sink.Err())
}

// A store that ends its goroutine costs the batch that it had, which may be stored, and not those after it, however often
// that happens.
func TestStoreThatEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 0
		behind := memory.New()
		store := &slowStore{Store: behind}
		store.append = func(ctx context.Context, batch []engine.Append) []engine.Result {
			if left++; left <= 5 {
				runtime.Goexit()
			}
			return behind.Append(ctx, batch)
		}
		sink := sinks.NewStore(store)
		ended := make(chan struct{}) // closed when Run has ended; nobody sends
		go func() {
			defer close(ended)
			_ = sink.Run(t.Context())
		}()
		for range 5 {
			first, lost := batchOf("a", 3)
			sink.Record(first)
			synctest.Wait()
			times, results := lost.told()
			require.Equal(t, 1, times)
			require.Len(t, results, 3)
			for _, r := range results {
				require.ErrorIs(t, r.Err, engine.ErrUnknown)
			}
		}
		second, stored := batchOf("b", 1)
		sink.Record(second)
		synctest.Wait()
		stored.ok(t, 1)
		sink.Close()
		<-ended
	})
}
