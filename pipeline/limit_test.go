package pipeline_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// rent is a command of a tenant that takes some time.
type rent struct {
	Tenant string
	Takes  time.Duration
	Fails  int // so many attempts, with an error that may pass
}

// tenants watches the handlers of rent.
type tenants struct {
	mu    sync.Mutex
	began time.Time
	now   map[string]int
	most  map[string]int
	times map[string][]time.Duration // when handlers began
	tries map[engine.ID]int
}

func newTenants() *tenants {
	return &tenants{
		began: time.Now(), now: map[string]int{}, most: map[string]int{}, times: map[string][]time.Duration{},
		tries: map[engine.ID]int{},
	}
}

func (n *tenants) Register(r *engine.Registry) {
	engine.OnCommand(r, "rent", "renting", func(ctx context.Context, cmd *engine.Command, c rent) ([]any, error) {
		tries := n.enter(cmd.ID, c.Tenant)
		err := wait(ctx, c.Takes)
		n.leave(c.Tenant)
		if tries <= c.Fails {
			err = errPasses
		}
		return []any{seen{"renting"}}, err
	})
}

func (n *tenants) enter(id engine.ID, tenant string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now[tenant]++
	n.most[tenant] = max(n.most[tenant], n.now[tenant])
	n.times[tenant] = append(n.times[tenant], time.Since(n.began))
	n.tries[id]++
	return n.tries[id]
}

func (n *tenants) leave(tenant string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now[tenant]--
}

// check holds the times at which handlers of a tenant began against a rate. Besides the burst so many may be late, because
// they had to wait for a worker.
func (n *tenants) check(t *testing.T, tenant string, rate float64, burst, late int) {
	times := n.times[tenant]
	for i := range times {
		for j := i; j < len(times); j++ {
			require.LessOrEqual(t, float64(j-i+1), float64(burst+late)+rate*(times[j]-times[i]).Seconds()+1e-3,
				"%s began %d times from %v to %v", tenant, j-i+1, times[i], times[j])
		}
	}
}

// tenant is the Group of the tests: the tenant in front of the aggregate's id.
func tenant(cmd *engine.Command) string {
	name, _, _ := strings.Cut(cmd.Subject, "/")
	return name
}

// rents makes n commands of a tenant for so many aggregates in turn.
func rents(n, aggregates int, r rent) []*engine.Command {
	cmds := make([]*engine.Command, n)
	for i := range cmds {
		cmds[i] = engine.NewCommand(fmt.Sprint(r.Tenant, "/", i%aggregates), r)
	}
	return cmds
}

// A rate holds for each group apart, is used up to the last token, and is of no interest to other commands.
func TestRateLimit(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	for name, aggregates := range map[string]int{"one aggregate": 1, "three": 3, "many": 30} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newTenants()
				b := newBelt(t, memory.New(), pipeline.Options{
					Limits: []pipeline.Limit{{Type: "rent", Group: tenant, Rate: 10, Burst: 2}},
				}, n)
				cmds := append(rents(30, aggregates, rent{Tenant: "x"}), rents(12, aggregates, rent{Tenant: "y"})...)
				others := puts("a", 1000)
				last := lastOf(others, func(int) bool { return true })
				b.feed(append(cmds, others...)...)
				require.Equal(t, b.report.Commands, b.report.Accepted)
				require.True(t, b.report.Sequence.OK())
				require.Zero(t, last(), "the others do not notice")
				for tenant, all := range map[string]int{"x": 30, "y": 12} {
					n.check(t, tenant, 10, 2, 0)
					require.Len(t, n.times[tenant], all)
					end := time.Duration(all-2) * time.Second / 10
					require.InDelta(t, end.Seconds(), n.times[tenant][all-1].Seconds(), 1e-3, "it is no slower than the rate")
				}
			})
		})
	}
}

// So many commands of a group are handled at once and no more, in one aggregate and in several.
func TestConcurrencyLimit(t *testing.T) {
	for name, aggregates := range map[string]int{"one aggregate": 1, "two": 2, "many": 40} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newTenants()
				b := newBelt(t, memory.New(), pipeline.Options{Limits: []pipeline.Limit{{Group: tenant, Concurrency: 4}}}, n)
				cmds := append(rents(40, aggregates, rent{Tenant: "x", Takes: takes}), rents(4, 4, rent{Tenant: "y", Takes: takes})...)
				last := lastOf(cmds, func(i int) bool { return i >= 40 })
				b.feed(cmds...)
				require.Equal(t, 44, b.report.Accepted)
				require.Equal(t, map[string]int{"x": 4, "y": 4}, n.most)
				require.Equal(t, takes, last(), "the other tenant does not notice")
				require.LessOrEqual(t, n.times["x"][39], 10*takes, "no place is left unused for long")
			})
		})
	}
}

// A tenant that waits for its limit cannot take the window from another one, however many aggregates it has.
func TestLimitedGroupCannotTakeTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const window, share = 20, 5
		b := newBelt(t, memory.New(), pipeline.Options{
			Window: window, Share: 3, Limits: []pipeline.Limit{{Group: tenant, Concurrency: 1, Share: share}},
		}, newTenants()).start()
		var senders sync.WaitGroup
		for _, cmd := range rents(60, 50, rent{Tenant: "x", Takes: time.Second}) {
			senders.Go(func() {
				_, err := b.Send(context.Background(), cmd)
				require.NoError(t, err)
			})
		}
		synctest.Wait()
		require.Equal(t, share, b.Report().InFlight)
		began := time.Now()
		for _, cmd := range rents(10, 3, rent{Tenant: "y"}) {
			_, err := b.Do(t.Context(), cmd)
			require.NoError(t, err)
		}
		require.Equal(t, began, time.Now())
		senders.Wait()
		time.Sleep(time.Minute) // the drain would end before the last
		require.Equal(t, 70, b.end().Accepted)
	})
}

// Whatever limits there are together: none is broken, every command is accepted, and nobody waits for ever.
func TestLimitsUnderRandomLoad(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 21))
			const lanes = 4 // of each tenant
			var limits []pipeline.Limit
			for range 1 + rng.IntN(3) {
				l := pipeline.Limit{
					Group: tenant, Rate: float64(rng.IntN(3)) * 500, Burst: rng.IntN(4), Concurrency: rng.IntN(4), Share: rng.IntN(4),
				}
				if l.Rate == 0 && l.Concurrency == 0 {
					l.Concurrency = 1
				}
				limits = append(limits, l)
			}
			n := newTenants()
			var cmds []*engine.Command
			for range 150 {
				r := rent{Tenant: fmt.Sprint(rng.IntN(3)), Takes: time.Duration(rng.IntN(5_000_000)), Fails: max(0, rng.IntN(8)-5)}
				cmds = append(cmds, engine.NewCommand(fmt.Sprint(r.Tenant, "/", rng.IntN(lanes)), r))
			}
			b := newBelt(t, memory.New(), pipeline.Options{
				Window: 4 + rng.IntN(60), Batch: 1 + rng.IntN(8), Workers: 1 + rng.IntN(8), Limits: limits, Retry: patient(9),
			}, n)
			b.feed(cmds...)
			says := fmt.Sprintf("seed %d, limits %+v", seed, limits)
			t.Log(says) // shown when anything fails
			require.Equal(t, len(cmds), b.report.Accepted, says)
			require.True(t, b.report.Sequence.OK(), says)
			for _, l := range limits {
				for tenant, most := range n.most {
					if l.Concurrency > 0 {
						require.LessOrEqual(t, most, l.Concurrency, says)
					}
					if l.Rate > 0 {
						if l.Burst == 0 {
							l.Burst = int(l.Rate / 10)
						}
						n.check(t, tenant, l.Rate, l.Burst, lanes)
					}
				}
			}
		})
	}
}

// While commands wait for a limit the drain goes on, and when its time is over they are told.
func TestDrainEndsTheLimits(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	for name, limit := range map[string]pipeline.Limit{"rate": {Rate: 1}, "concurrency": {Concurrency: 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBelt(t, memory.New(), pipeline.Options{
					DrainTimeout: 10 * time.Second, Limits: []pipeline.Limit{limit},
				}, newTenants()).start()
				cmds := rents(40, 20, rent{Tenant: "x", Takes: time.Second})
				outcomes := watch(cmds...)
				for _, cmd := range cmds {
					_, err := b.Send(t.Context(), cmd)
					require.NoError(t, err)
				}
				b.stop()
				<-b.ended
				require.ErrorIs(t, b.err, pipeline.ErrStopped)
				require.Zero(t, b.report.InFlight)
				n := statuses(outcomes())
				require.InDelta(t, 10, n[engine.Accepted], 1)
				require.Equal(t, len(cmds), n[engine.Accepted]+n[engine.DeadLettered])
			})
		})
	}
}

// A Group that panics costs its command.
func TestGroupPanics(t *testing.T) {
	virtually(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{Limits: []pipeline.Limit{{Concurrency: 1, Group: func(cmd *engine.Command) string {
			if cmd.Subject == "bad" {
				panic(errBroken)
			}
			return ""
		}}}})
		outcomes := b.feed(append(puts("bad", 2), puts("good", 2)...)...)
		require.Equal(t, map[engine.Status]int{engine.DeadLettered: 2, engine.Accepted: 2}, statuses(outcomes))
		require.ErrorIs(t, outcomes[0].Err, errBroken)
	})
}

func TestLimitFaults(t *testing.T) {
	_, err := pipeline.New(engine.NewRegistry(account{}), nil, pipeline.Options{Window: 10, Limits: []pipeline.Limit{
		{Type: "put", Rate: 1},
		{Type: "nobody", Rate: math.NaN(), Concurrency: -1, Burst: -1, Share: 11, Groups: -1},
		{},
	}})
	for _, says := range []string{
		`"nobody"`, "Rate is NaN", "Concurrency is -1", "Burst is -1", "Share is 11", "Groups is -1",
		"Limits[2]", "Rate and Concurrency are both 0",
	} {
		require.ErrorContains(t, err, says)
	}
	require.NotContains(t, err.Error(), "Limits[0]")
}

// Each fault says which limit it is of, and a share of the options that is wrong is no fault of the limits.
func TestLimitFaultsAreTheirOwn(t *testing.T) {
	_, err := pipeline.New(engine.NewRegistry(account{}), sinks.NewStore(memory.New()), pipeline.Options{
		Share: 5000, Limits: []pipeline.Limit{{Rate: 1}, {Groups: -1}},
	})
	require.Error(t, err)
	require.Equal(t, []string{
		"pipeline: Options.Share is 5000: give 1 to 4096, or 0 for 409",
		"pipeline: Options.Limits[1]: Rate and Concurrency are both 0: give one of them",
		"pipeline: Options.Limits[1]: Groups is -1: give 1 or more, or 0 for 10000",
	}, strings.Split(err.Error(), "\n"))
}
