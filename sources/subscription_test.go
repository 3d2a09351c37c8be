package sources_test

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
	"github.com/orchestrix-go/orchestrix/sources"
)

// onEachStore runs a test on a new store of each kind.
func onEachStore(t *testing.T, test func(t *testing.T, store engine.Store)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, memory.New()) })
	t.Run("sqlite", func(t *testing.T) { test(t, openFile(t, filepath.Join(t.TempDir(), "events.db"))) })
}

func openFile(t *testing.T, path string) engine.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// write appends events one by one, or in twos and threes, to some aggregates. It gives an error, because writers run in
// goroutines that must not end a test.
func write(store engine.Store, events int) error {
	for n := 0; n < events; {
		batch := make([]engine.Append, 0, 20)
		for range cap(batch) {
			a := engine.Append{Aggregate: fmt.Sprint("a", n%7), Expected: engine.Any, CommandID: engine.NewID()}
			for range min(1+n%3, events-n) {
				a.Events = append(a.Events, engine.Event{Message: engine.Message{
					ID: engine.NewID(), Type: "test.happened", Subject: a.Aggregate, Data: engine.Raw("{}"),
				}})
				n++
			}
			batch = append(batch, a)
		}
		for _, result := range store.Append(context.Background(), batch) {
			if result.Err != nil {
				return result.Err
			}
		}
	}
	return nil
}

// stored gives everything that a store holds behind a position.
func stored(t *testing.T, store engine.Store, after engine.Position) (ids []engine.ID, at []engine.Position) {
	t.Helper()
	for event, err := range store.Read(t.Context(), after) {
		require.NoError(t, err)
		ids, at = append(ids, event.ID), append(at, event.Position)
	}
	return ids, at
}

// take reads n events of a source.
func take(t *testing.T, out <-chan any, n int) (ids []engine.ID, last engine.Position) {
	t.Helper()
	patience := time.After(20 * time.Second)
	for len(ids) < n {
		select {
		case e, ok := <-out:
			require.True(t, ok, "the source ended after %d of %d events", len(ids), n)
			event := e.(*engine.Event)
			require.Greater(t, event.Position, last, "G7: an event came twice or out of sequence")
			ids, last = append(ids, event.ID), event.Position
		case <-patience:
			require.Fail(t, "the source stands still", "after %d of %d events", len(ids), n)
		}
	}
	return ids, last
}

func TestSubscriptionResumesFromAnyPosition(t *testing.T) {
	onEachStore(t, func(t *testing.T, store engine.Store) {
		require.NoError(t, write(store, 120))
		ids, at := stored(t, store, 0)
		for i := range ids {
			got := streamed(sources.LogToEnd(store, at[i]).Out())
			require.Len(t, got, len(ids)-i-1, "G7: resumed after event %d", i)
			if i%10 > 0 || len(got) == 0 {
				continue
			}
			ctx, cancel := context.WithCancel(t.Context())
			source := sources.Log(store, at[i])
			source.Start(ctx)
			live, _ := take(t, source.Out(), len(got))
			require.Equal(t, ids[i+1:], live, "G7: resumed after event %d", i)
			cancel()
			streamed(source.Out())
		}
	})
}

func TestSubscriptionGoesFromCatchUpToLive(t *testing.T) {
	onEachStore(t, func(t *testing.T, store engine.Store) {
		const before, writers, each = 500, 4, 500
		require.NoError(t, write(store, before))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		source := sources.Log(store, 0)
		source.Start(ctx)
		var running sync.WaitGroup
		for range writers {
			running.Go(func() {
				if err := write(store, each); err != nil {
					t.Errorf("an append beside a reader failed: %v", err)
				}
			})
		}
		got, _ := take(t, source.Out(), before+writers*each)
		running.Wait()
		want, _ := stored(t, store, 0)
		require.Equal(t, want, got, "G7: the step from what is stored to what comes left a gap or a double")
	})
}

// counted counts the events that are taken from a store.
type counted struct {
	engine.Store
	taken atomic.Int64
}

func (c *counted) Read(ctx context.Context, after engine.Position) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		for event, err := range c.Store.Read(ctx, after) {
			c.taken.Add(1)
			if !yield(event, err) {
				return
			}
		}
	}
}

// TestSlowSubscriberHoldsUpNobody lets a reader stop in the middle: appends go on, nothing is read ahead of it, and
// nothing is lost for it.
func TestSlowSubscriberHoldsUpNobody(t *testing.T) {
	onEachStore(t, func(t *testing.T, inner engine.Store) {
		store := &counted{Store: inner}
		require.NoError(t, write(store, 10))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		source := sources.Log(store, 0)
		source.Start(ctx)
		first, _ := take(t, source.Out(), 3)
		done := make(chan error, 1) // one writer sends its one answer, received below: it never blocks
		var writing sync.WaitGroup
		defer writing.Wait()
		writing.Go(func() { done <- write(store, 5_000) })
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(20 * time.Second):
			require.Fail(t, "a slow reader blocks appends")
		}
		require.LessOrEqual(t, store.taken.Load(), int64(5), "events pile up in front of a slow reader")
		rest, _ := take(t, source.Out(), 5_007)
		want, _ := stored(t, inner, 0)
		require.Equal(t, want, append(first, rest...), "G7: a slow reader missed or repeated an event")
	})
}

// TestSubscriptionSurvivesRestarts closes and opens the store, and ends and starts the reader, again and again, each in
// the middle of what the other does.
func TestSubscriptionSurvivesRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	var got []engine.ID
	var after engine.Position
	for round := range 12 {
		store := openFile(t, path)
		ctx, cancel := context.WithCancel(t.Context())
		source := sources.Log(store, after)
		source.Start(ctx)
		var writing sync.WaitGroup
		writing.Go(func() {
			if err := write(store, 200); err != nil {
				t.Errorf("an append failed: %v", err)
			}
		})
		ids, last := take(t, source.Out(), 50+13*round)
		require.Greater(t, last, after)
		got, after = append(got, ids...), last
		if round%2 == 0 { // the reader goes first, without a word; what it had in hand it reads again
			cancel()
			streamed(source.Out())
			require.NoError(t, source.Err())
		}
		writing.Wait()
		require.NoError(t, store.Close())
		for _, e := range streamed(source.Out()) { // what was on its way when the store closed
			got, after = append(got, e.(*engine.Event).ID), e.(*engine.Event).Position
		}
		if round%2 == 1 {
			require.ErrorIs(t, source.Err(), engine.ErrClosed)
		}
		cancel()
	}
	store := openFile(t, path)
	for _, e := range streamed(sources.LogToEnd(store, after).Out()) {
		got = append(got, e.(*engine.Event).ID)
	}
	want, _ := stored(t, store, 0)
	require.Len(t, want, 12*200)
	require.Equal(t, want, got, "G7: over restarts an event was missed or repeated")
}

// TestManySubscribersBesideWriters starts readers at different places while writers run at full speed.
func TestManySubscribersBesideWriters(t *testing.T) {
	onEachStore(t, func(t *testing.T, store engine.Store) {
		const readers, writers, each = 16, 4, 300
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var writing, reading sync.WaitGroup
		for range writers {
			writing.Go(func() {
				if err := write(store, each); err != nil {
					t.Errorf("an append beside readers failed: %v", err)
				}
			})
		}
		got := make([][]engine.ID, readers) // each reader writes to its own, the test reads when all have ended
		from := make([]engine.Position, readers)
		for i := range readers {
			end, err := store.End(ctx)
			require.NoError(t, err)
			if i%2 == 1 {
				from[i] = end // only what is appended from now on
			}
			source := sources.Log(store, from[i])
			source.Start(ctx)
			reading.Go(func() {
				for e := range source.Out() {
					got[i] = append(got[i], e.(*engine.Event).ID)
					if e.(*engine.Event).Type == "test.last" {
						return
					}
				}
			})
		}
		writing.Wait()
		last := engine.Message{ID: engine.NewID(), Type: "test.last", Subject: "last", Data: engine.Raw("{}")}
		for _, result := range store.Append(ctx, []engine.Append{{Aggregate: "last", Events: []engine.Event{{Message: last}}}}) {
			require.NoError(t, result.Err)
		}
		reading.Wait()
		for i := range readers {
			want, _ := stored(t, store, from[i])
			require.Equal(t, want, got[i], "G7: reader %d from position %d", i, from[i])
		}
	})
}
