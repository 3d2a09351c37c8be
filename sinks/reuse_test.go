package sinks_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

// reusing is a store that takes an array for its results.
type reusing interface {
	engine.Store
	Reuse() (engine.Store, func(context.Context, []engine.Append, []engine.Result) []engine.Result)
}

// reusingStores are all of them, by name.
func reusingStores(t *testing.T) map[string]reusing {
	file, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "events.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	stores := map[string]reusing{"memory": memory.New(), "sqlite": file}
	for name, store := range stores {
		self, _ := store.Reuse()
		require.Same(t, store, self, name)
	}
	return stores
}

// counting is a store with an Append of its own, and with whatever else the one that it embeds has.
type counting struct {
	reusing
	appends int
}

func (c *counting) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	c.appends += len(batch)
	return c.reusing.Append(ctx, batch)
}

// What embeds a store that takes an array for its results is appended to all the same.
func TestEmbeddedStoreIsNotPassedOver(t *testing.T) {
	for name, embedded := range reusingStores(t) {
		t.Run(name, func(t *testing.T) {
			store := &counting{reusing: embedded}
			sink := sinks.NewStore(store)
			batch, told := batchOf("a", 3)
			sink.Record(batch)
			sink.Close()
			require.NoError(t, sink.Run(t.Context()))
			told.ok(t, 3)
			require.Equal(t, 3, store.appends)
		})
	}
}

// An array for results that served before brings nothing of what it held: a conflict, a rejection.
func TestResultsAreNotMixedUp(t *testing.T) {
	for name, store := range reusingStores(t) {
		t.Run(name, func(t *testing.T) {
			sink := sinks.NewStore(store)
			ended := make(chan error, 1) // the goroutine sends once, the end of the test receives
			go func() { ended <- sink.Run(t.Context()) }()
			version := engine.Version(0)
			next := func() engine.Result {
				version++
				return engine.Result{First: version, Last: version, Position: engine.Position(version)}
			}
			for i := range 210 {
				batch, told := batchOf("a", i%7+1)
				settled := make(chan struct{}) // Settle closes, this function receives; nothing is sent, so it has no capacity
				settle := batch.Settle
				batch.Settle = func(results []engine.Result) {
					settle(results)
					close(settled)
				}
				first := &batch.Appends[0]
				var want []engine.Result
				switch i % 3 {
				case 0:
					first.Events, first.Rejection = nil, "no"
					want = append(want, engine.Result{First: version + 1, Last: version, Rejection: "no"})
				case 1:
					first.Expected = engine.Exactly(version + 1)
					want = append(want, engine.Result{
						Err: &engine.ConflictError{Aggregate: "a", Expected: first.Expected, Actual: version},
					})
				default:
					want = append(want, next())
				}
				for range i % 7 {
					want = append(want, next())
				}
				sink.Record(batch)
				<-settled
				_, got := told.told()
				require.Equal(t, want, got)
			}
			sink.Close()
			require.NoError(t, <-ended)
		})
	}
}
