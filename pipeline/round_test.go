package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// scattered is a recorder that appends each batch by itself, in a goroutine of its own and after a random time, so that the
// batches of one round are settled at once and in any sequence.
type scattered struct {
	store engine.Store
	most  time.Duration

	mu      sync.Mutex
	rng     *rand.Rand
	longest int // row of batches recorded together

	work   sync.WaitGroup
	closed chan struct{} // Close closes it, Run receives; nobody sends
}

func (s *scattered) Store() engine.Store { return s.store }
func (s *scattered) Close()              { close(s.closed) }

func (s *scattered) Run(context.Context) error {
	<-s.closed
	s.work.Wait()
	return nil
}

func (s *scattered) Record(batches ...*engine.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.longest = max(s.longest, len(batches))
	for _, batch := range batches {
		after := time.Duration(s.rng.Int64N(int64(s.most)))
		s.work.Go(func() {
			time.Sleep(after)
			results := s.store.Append(context.Background(), batch.Appends)
			batch.Settle(results)
			clear(results) // they are the recorder's again
		})
	}
}

// The batches of a round may be settled by many at once: every command has its one outcome when the last of them is, and
// turns and rounds that are used again meanwhile do not get in the way.
func TestRoundIsSettledByMany(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 31))
			aggregates := 1 + rng.IntN(300)
			cmds := many(3000, aggregates, put{Amounts: []int{1, 1}})
			store := memory.New()
			sink := &scattered{
				store: store, most: time.Duration(1 + rng.IntN(1_000_000)), rng: rng, closed: make(chan struct{}),
			}
			p, err := pipeline.New(engine.NewRegistry(account{}), sink, pipeline.Options{Window: 1 + rng.IntN(4096), Workers: 1 + rng.IntN(9)})
			require.NoError(t, err)
			outcomes := watch(cmds...)
			report, err := p.Run(t.Context(), sources.Slice(cmds))
			require.NoError(t, err)
			require.Equal(t, pipeline.Counts{Commands: 3000, Accepted: 3000, Events: 6000}, report.Counts, "seed %d", seed)
			require.True(t, report.Sequence.OK())
			for i, o := range outcomes() {
				require.Equal(t, cmds[i].ID, o.CommandID)
				require.EqualValues(t, 1+i/aggregates*2, o.First, "seed %d, command %d", seed, i)
			}
			for i := range aggregates {
				require.Equal(t, 2*((3000-i+aggregates-1)/aggregates), balanceOf(t, store, fmt.Sprint("a", i)))
			}
		})
	}
}

// Small turns of many lanes share a call of the store.
func TestTurnsShareARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &scattered{
			store: memory.New(), most: 1, rng: rand.New(rand.NewPCG(1, 32)), closed: make(chan struct{}),
		}
		p, err := pipeline.New(engine.NewRegistry(account{}), sink, pipeline.Options{})
		require.NoError(t, err)
		report, err := p.Run(t.Context(), sources.Slice(many(100_000, 2000, put{Amounts: []int{1}})))
		require.NoError(t, err)
		require.Equal(t, 100_000, report.Accepted)
		require.Greater(t, sink.longest, 1)
		require.LessOrEqual(t, sink.longest, 64)
	})
}
