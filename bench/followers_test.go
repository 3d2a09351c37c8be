package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
	"github.com/orchestrix-go/orchestrix/sources"
)

// BenchmarkStoppedFollowers is the 99th percentile of Do, 64 at once, beside followers of the store that have stopped: a
// subscription that nobody reads, and a sink that hangs in its first event. One operation is a round of each; what counts
// is the median of the ratios to the round without one.
func BenchmarkStoppedFollowers(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) engine.Store{
		"memory": func(*testing.B) engine.Store { return memory.New() },
		"sqlite": func(b *testing.B) engine.Store {
			store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "orders.db"), sqlite.Options{
				Codec: engine.NewRegistry(order.Module{}),
			})
			require.NoError(b, err)
			return store
		},
	} {
		b.Run(name, func(b *testing.B) {
			ratios := map[string][]float64{}
			ways := []string{"none", "subscription", "sink"}
			for b.Loop() {
				p99 := map[string]float64{}
				for _, way := range ways {
					p99[way] = float64(stoppedRound(b, open(b), way))
				}
				ways = append(ways[1:], ways[0]) // each is the first as often as the others
				for _, follower := range []string{"subscription", "sink"} {
					ratios[follower] = append(ratios[follower], p99[follower]/p99["none"])
				}
			}
			for follower, all := range ratios {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2], follower+"/none")
			}
		})
	}
}

// stoppedRound measures one round on a new store.
func stoppedRound(b *testing.B, store engine.Store, follower string) (p99 time.Duration) {
	const callers, calls = 64, 300
	gate := make(chan struct{}) // closed below, the sink receives; nobody sends
	sink := sinks.NewStore(store)
	if follower == "sink" {
		sink.Then(sinks.Func(func(*engine.Event) error { <-gate; return nil }))
	}
	p, err := pipeline.New(engine.NewRegistry(order.Module{}), sink, pipeline.Options{})
	require.NoError(b, err)
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _, _ = p.Run(ctx) })
	log := sources.Log(store, 0)
	if follower == "subscription" {
		log.Start(ctx) // and nobody reads its Out
	}
	took := make([]time.Duration, callers*calls)
	engine.FanOut(callers, func(i int) {
		name := fmt.Sprint("order-", i)
		for n := range calls {
			var data any = order.AddItem{SKU: "x", Quantity: 1, UnitPriceCents: 1}
			if n == 0 {
				data = order.Create{Customer: "ada"}
			}
			began := time.Now()
			if _, err := p.Do(ctx, engine.NewCommand(name, data)); err != nil {
				b.Error(err)
				return
			}
			took[i*calls+n] = time.Since(began)
		}
	})
	close(gate)
	stop()
	running.Wait()
	if follower == "subscription" {
		for range log.Out() { // it ends with the context
		}
	}
	require.NoError(b, store.Close())
	slices.Sort(took)
	return took[len(took)*99/100]
}
