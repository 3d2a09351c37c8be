package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// gathered is a memory store whose appends are gathered by the sink, as those of a store that waits for a disk.
type gathered struct{ engine.Store }

func (g gathered) Capabilities() engine.Capabilities {
	c := g.Store.Capabilities()
	c.Instant = false
	return c
}

// stores are both kinds: one that is appended to by whoever records, and one that is not.
func stores() map[string]engine.Store {
	return map[string]engine.Store{"instant": memory.New(), "gathered": gathered{memory.New()}}
}

// dwell is a command whose decider waits.
type (
	dwell struct{ For time.Duration }
	dwelt struct{}
)

// dweller registers the decider of dwell. Within is called around the waiting.
func dweller(within func(wait func() error) error) module {
	return func(r *engine.Registry) {
		d := engine.NewDecider(r, "dweller", func() int { return 0 })
		engine.Decide(d, "dwell", func(ctx context.Context, _ int, c dwell) ([]any, error) {
			if c.For == 0 {
				return []any{dwelt{}}, nil
			}
			return []any{dwelt{}}, within(func() error { return wait(ctx, c.For) })
		})
		engine.Evolve(d, "dwelt", func(n int, _ dwelt) int { return n + 1 })
	}
}

func direct(wait func() error) error { return wait() }

// hang is a case of code that does not get on for an hour: quiet and hung are a command before and during that.
type hang struct {
	module      engine.Module
	quiet, hung any
}

func hangs() map[string]hang {
	return map[string]hang{
		"decider": {dweller(direct), dwell{}, dwell{time.Hour}},
		"quick handler": {steps(2, func(ctx context.Context, i int) error {
			return wait(ctx, time.Duration(i)*time.Hour) // the second of the two
		}), step{}, step{Go: true}},
	}
}

// A decider or a quick handler that hangs holds up no other lane for longer than the lookout's time, whether they stand
// ahead of it or behind it in the same row, as long as there is another worker.
func TestHangCostsOneLane(t *testing.T) {
	const lanes = 300
	for name, hang := range hangs() {
		for kind, store := range stores() {
			for _, workers := range []int{2, 3, 64} {
				for _, at := range []int{0, 7, 63, 150, lanes - 1} {
					t.Run(fmt.Sprint(name, "/", kind, "/workers=", workers, "/at=", at), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							wave := many(lanes, lanes, hang.quiet)
							wave[at] = engine.NewCommand(wave[at].Subject, hang.hung)
							b := newBelt(t, store, pipeline.Options{Workers: workers, HandlerTimeout: -1}, hang.module)
							// The first wave teaches that handlers are quick, the second lets rows grow.
							took := b.inWaves(many(2*lanes, lanes, hang.quiet), many(2*lanes, lanes, hang.quiet), wave)
							for i, d := range took {
								if i == at {
									require.Equal(t, time.Hour, d)
									continue
								}
								require.LessOrEqual(t, d, freed, "lane %d", i)
							}
							require.True(t, b.report.Sequence.OK())
						})
					})
				}
			}
		}
	}
}

// With one worker nothing behind the hang gets on, but what was done ahead of it is settled.
func TestHangOfTheOnlyWorker(t *testing.T) {
	const lanes, at = 300, 150
	for name, hang := range hangs() {
		for kind, store := range stores() {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					wave := many(lanes, lanes, hang.quiet)
					wave[at] = engine.NewCommand(wave[at].Subject, hang.hung)
					b := newBelt(t, store, pipeline.Options{Workers: 1, HandlerTimeout: -1}, hang.module)
					took := b.inWaves(many(2*lanes, lanes, hang.quiet), many(2*lanes, lanes, hang.quiet), wave)
					for i, d := range took {
						if i < at {
							require.LessOrEqual(t, d, freed, "lane %d", i)
						} else {
							require.Equal(t, time.Hour, d, "lane %d", i)
						}
					}
				})
			})
		}
	}
}

// Many that hang at once: the others get on after as many looks as it takes to find them, and no later.
func TestManyHang(t *testing.T) {
	const lanes, hung = 300, 20
	for name, hang := range hangs() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wave := many(lanes, lanes, hang.quiet)
				for i := range hung {
					at := i * lanes / hung
					wave[at] = engine.NewCommand(wave[at].Subject, hang.hung)
				}
				b := newBelt(t, memory.New(), pipeline.Options{Workers: hung + 1, HandlerTimeout: -1}, hang.module)
				took := b.inWaves(many(2*lanes, lanes, hang.quiet), many(2*lanes, lanes, hang.quiet), wave)
				for i, d := range took {
					if i%(lanes/hung) == 0 {
						require.GreaterOrEqual(t, d, time.Hour)
						require.LessOrEqual(t, d, time.Hour+hung*freed)
						continue
					}
					require.LessOrEqual(t, d, hung*freed, "lane %d", i)
				}
			})
		})
	}
}

// ponder takes its time to be decoded, and then its two handlers meet.
type ponder struct{ Meet bool }

func (p *ponder) UnmarshalJSON([]byte) error {
	time.Sleep(50 * time.Millisecond) // as a large payload does
	p.Meet = true
	return nil
}

// Decoding that takes longer than the lookout looks is no reason to run handlers one after another that wait.
func TestSlowDecodingAheadOfQuickHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meet := meeting(2)
		b := newBelt(t, memory.New(), pipeline.Options{}, module(func(r *engine.Registry) {
			for i := range 2 {
				engine.OnCommand(r, "ponder", fmt.Sprint(i), func(ctx context.Context, _ *engine.Command, p ponder) ([]any, error) {
					if !p.Meet {
						return nil, nil
					}
					return nil, meet(ctx, i)
				})
			}
		}))
		cmd := engine.NewCommand("a", engine.Raw(`{}`))
		cmd.Type = "ponder"
		took := b.inWaves(many(1000, 10, ponder{}), []*engine.Command{cmd})
		require.Equal(t, 1001, b.report.Accepted)
		require.LessOrEqual(t, took[0], 50*time.Millisecond+freed)
	})
}
