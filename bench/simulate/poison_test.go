package simulate

import (
	"context"
	"errors"
	"fmt"
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
		switch c.Poison {
		case "for good":
			return nil, errPoison
		case "panic":
			panic(errPoison)
		case "for a while":
			return nil, engine.Temporary(errPoison)
		}
		return nil, nil
	})
	engine.Decide(d, "dose", func(_ context.Context, n int, c dose) ([]any, error) { return []any{dosed{n + 1}}, nil })
	engine.Evolve(d, "dosed", func(n int, _ dosed) int { return n + 1 })
}

// drink lets a pipeline handle everything, the poison first.
func drink(t *testing.T, poison string) *vessel {
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
	p, err := pipeline.New(engine.NewRegistry(v), sinks.NewStore(v.store), pipeline.Options{Batch: 1, Retry: pipeline.RetryPolicy{Seed: 1}})
	require.NoError(t, err)
	v.report, err = p.Run(t.Context(), sources.Slice(cmds))
	require.NoError(t, err)
	return v
}

// One of 64 aggregates is poisoned at its head. The other 63 get their outcomes at the very instants at which they get
// them when it is not.
func TestPoisonCostsOneAggregate(t *testing.T) {
	var healthy *vessel
	synctest.Test(t, func(t *testing.T) { healthy = drink(t, "") })
	require.Equal(t, 64*8, healthy.report.Accepted)
	for _, poison := range []string{"for good", "panic", "for a while"} {
		t.Run(poison, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := drink(t, poison)
				require.Equal(t, engine.DeadLettered, v.outcomes[0][0].Status)
				require.ErrorIs(t, v.outcomes[0][0].Err, errPoison)
				require.Equal(t, 64*8-1, v.report.Accepted)
				for a := range v.outcomes {
					for i, o := range v.outcomes[a] {
						if a > 0 {
							require.Equal(t, healthy.at[a][i], v.at[a][i], "command %d of aggregate %d", i, a)
							require.EqualValues(t, i+1, o.First)
						} else if i > 0 {
							require.EqualValues(t, i, o.First, "the lane goes on, without a gap")
						}
					}
				}
			})
		})
	}
}
