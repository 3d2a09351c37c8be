package simulate

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

type (
	dose struct {
		Aggregate, Number int
		Poison            string
	}
	dosed  struct{ After int }
	vessel struct { // 64 aggregates, each with a few commands; the first of the first may be poisoned
		store    *memory.Store
		mended   atomic.Bool // the poison has lost its power; handlers that were given up ask too
		outcomes [64][8]engine.Outcome
		at       [64][8]time.Duration // when they were told
		report   pipeline.Report
	}
)

var errPoison = errors.New("poison")

// Register registers a handler that takes some time and chokes on poison, and a decider that counts.
func (v *vessel) Register(r *engine.Registry) {
	d := engine.NewDecider(r, "doses", func() int { return 0 })
	engine.OnCommand(r, "dose", "taste", func(_ context.Context, _ *engine.Command, c dose) ([]any, error) {
		time.Sleep(time.Millisecond + spot{first, c.Aggregate, c.Number}.share()) // no two end together
		if v.mended.Load() {
			return nil, nil
		}
		switch c.Poison {
		case "for good":
			return nil, errPoison
		case "panic":
			panic(errPoison)
		case "hang":
			time.Sleep(time.Hour) // whatever its context says
		case "for a while":
			return nil, engine.Temporary(errPoison)
		}
		return nil, nil
	})
	engine.Decide(d, "dose", func(_ context.Context, n int, c dose) ([]any, error) { return []any{dosed{n + 1}}, nil })
	engine.Evolve(d, "dosed", func(n int, _ dosed) int { return n + 1 })
}

func (v *vessel) options(policy pipeline.Policy) pipeline.Options {
	return pipeline.Options{Batch: 1, Retry: pipeline.RetryPolicy{Seed: 1}, HandlerTimeout: time.Second, Policy: policy}
}

// drink lets a pipeline handle everything, the poison first.
func drink(t *testing.T, poison string, policy pipeline.Policy) *vessel {
	v := &vessel{store: memory.New()}
	began := time.Now()
	var cmds []*engine.Command
	for i := range v.outcomes[0] {
		for a := range v.outcomes {
			c := dose{Aggregate: a, Number: i}
			if a == 0 && i == 0 {
				c.Poison = poison
			}
			cmd := engine.NewCommand(fmt.Sprintf("a-%02d", a), c)
			cmd.ID = engine.NameID("poison", fmt.Sprint(a, i))
			cmd.Settled = func(o engine.Outcome) { v.outcomes[a][i], v.at[a][i] = o, time.Since(began) }
			cmds = append(cmds, cmd)
		}
	}
	p, err := pipeline.New(engine.NewRegistry(v), sinks.NewStore(v.store), v.options(policy))
	require.NoError(t, err)
	v.report, err = p.Run(t.Context(), sources.Slice(cmds))
	if poison != "hang" { // Run says that the handler still runs
		require.NoError(t, err)
	}
	return v
}

// One of 64 aggregates is poisoned at its head. The other 63 get their outcomes at the very instants at which they get
// them when it is not. The lane of the poisoned one goes on, or waits for the replay; in the end its versions have no gap.
func TestPoisonCostsOneAggregate(t *testing.T) {
	var healthy *vessel
	synctest.Test(t, func(t *testing.T) { healthy = drink(t, "", pipeline.Skip) })
	require.Equal(t, 64*8, healthy.report.Accepted)
	for _, poison := range []string{"for good", "panic", "for a while", "hang"} {
		for _, policy := range []pipeline.Policy{pipeline.Skip, pipeline.Park} {
			t.Run(fmt.Sprint(poison, ", policy ", policy), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					v := drink(t, poison, policy)
					time.Sleep(10 * time.Hour) // until what hangs has ended
					require.Equal(t, engine.DeadLettered, v.outcomes[0][0].Status)
					for a := range v.outcomes[1:] {
						for i, o := range v.outcomes[a+1] {
							require.Equal(t, healthy.at[a+1][i], v.at[a+1][i], "command %d of aggregate %d", i, a+1)
							require.EqualValues(t, i+1, o.First)
						}
					}
					v.requireReplay(t, policy)
				})
			})
		}
	}
}

// requireReplay checks what became of the poisoned aggregate, and that it is as the others after a replay.
func (v *vessel) requireReplay(t *testing.T, policy pipeline.Policy) {
	for i, o := range v.outcomes[0][1:] {
		if policy == pipeline.Park {
			require.ErrorIs(t, o.Err, pipeline.ErrParked)
		} else {
			require.EqualValues(t, i+1, o.First, "the lane goes on, without a gap")
		}
	}
	v.mended.Store(true)
	p, err := pipeline.New(engine.NewRegistry(v), sinks.NewStore(v.store), v.options(policy))
	require.NoError(t, err)
	_, err = p.Run(t.Context(), sources.DeadLetters(v.store, sources.LetterFilter{}))
	require.NoError(t, err)
	letters, parked := v.store.CountDeadLetters()
	require.Zero(t, letters+parked)
	number := 0
	for e, err := range v.store.Load(t.Context(), "a-00", 1) {
		require.NoError(t, err)
		want := number // of the command
		if policy == pipeline.Skip {
			want = (number + 1) % 8
		}
		require.Equal(t, engine.NameID("poison", fmt.Sprint(0, want)), e.CausationID)
		number++
		require.EqualValues(t, number, e.Version)
		require.Equal(t, dosed{number}, e.Data)
	}
	require.Equal(t, 8, number)
}
