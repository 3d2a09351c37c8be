package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
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

// crowd counts the lanes that are in code of the user, and remembers the most.
type crowd struct {
	mu   sync.Mutex
	in   map[string]int
	most int
}

// pass is code of the user for one lane.
func (c *crowd) pass(lane string, code func() error) error {
	c.add(lane, 1)
	defer c.add(lane, -1)
	return code()
}

func (c *crowd) add(lane string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.in[lane] += n; c.in[lane] == 0 {
		delete(c.in, lane)
	}
	c.most = max(c.most, len(c.in))
}

// linger is a command whose handlers, or else its decider, take so long.
type linger struct {
	Lane           string
	Handle, Decide time.Duration
}

// lingering is a domain that counts the crowd in its code.
func lingering(c *crowd) module {
	return func(r *engine.Registry) {
		stay := func(ctx context.Context, lane string, d time.Duration) ([]any, error) {
			if d == 0 {
				return nil, nil // not seen by anybody
			}
			return nil, c.pass(lane, func() error { return wait(ctx, d) })
		}
		for i := range 3 {
			engine.OnCommand(r, "linger", fmt.Sprint(i), func(ctx context.Context, _ *engine.Command, l linger) ([]any, error) {
				return stay(ctx, l.Lane, l.Handle)
			})
		}
		d := engine.NewDecider(r, "lingerer", func() int { return 0 })
		engine.Decide(d, "linger", func(ctx context.Context, _ int, l linger) ([]any, error) {
			return stay(ctx, l.Lane, l.Decide)
		})
	}
}

// lingerers makes n commands in as many lanes.
func lingerers(n int, how func(i int) linger) []*engine.Command {
	cmds := make([]*engine.Command, n)
	for i := range cmds {
		l := how(i)
		l.Lane = fmt.Sprint("a", i)
		cmds[i] = engine.NewCommand(l.Lane, l)
	}
	return cmds
}

// Workers bounds the aggregates whose code runs at once, and is reached when there is enough to do, whoever waits: the
// handlers, handlers that used to be quick, or the decider.
func TestWorkersBoundTheAggregatesUnderWay(t *testing.T) {
	const long = 10 * time.Second // longer than it takes to find out about each worker
	handlers := func(int) linger { return linger{Handle: long} }
	for name, how := range map[string]func(i int) linger{
		"handlers": handlers,
		"decider":  func(int) linger { return linger{Decide: long} },
		"both":     func(int) linger { return linger{Handle: long, Decide: long} },
		"either": func(i int) linger {
			if i%2 == 0 {
				return handlers(i)
			}
			return linger{Decide: long}
		},
	} {
		for _, workers := range []int{1, 2, 3, 7, 64} {
			for _, learned := range []bool{false, true} {
				t.Run(fmt.Sprint(name, "/workers=", workers, "/learned=", learned), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c := &crowd{in: map[string]int{}}
						waves := [][]*engine.Command{lingerers(3*workers+10, how)}
						if learned {
							quiet := func(int) linger { return linger{} }
							waves = append([][]*engine.Command{lingerers(500, quiet), lingerers(500, quiet)}, waves...)
						}
						b := newBelt(t, memory.New(), pipeline.Options{Workers: workers}, lingering(c))
						b.inWaves(waves...)
						require.Equal(t, workers, c.most)
						require.Equal(t, b.report.Commands, b.report.Accepted)
					})
				})
			}
		}
	}
}

// The same for random times, some of which are so short that nobody finds out that they are waited for.
func TestWorkersBoundUnderRandomWaits(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 3))
			workers := pick(rng, 1, 2, 3, 5, 17)
			c := &crowd{in: map[string]int{}}
			length := func() time.Duration {
				return time.Duration(pick(rng, 0, 0, rng.IntN(1000), rng.IntN(20_000_000)))
			}
			var waves [][]*engine.Command
			for range 10 {
				waves = append(waves, lingerers(1+rng.IntN(200), func(int) linger { return linger{Handle: length(), Decide: length()} }))
			}
			b := newBelt(t, memory.New(), pipeline.Options{Workers: workers, Batch: pick(rng, 1, 2, 256)}, lingering(c))
			b.inWaves(waves...)
			require.LessOrEqual(t, c.most, workers, "seed %d", seed)
			require.Equal(t, b.report.Commands, b.report.Accepted)
		})
	}
}

// countGoroutines makes runtime.NumGoroutine tell the truth for the time of a test: while garbage is collected it counts
// goroutines that have ended.
func countGoroutines(t *testing.T) {
	percent := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	runtime.GC() // ends one that is under way
}

// Goroutines are a function of the workers and the handlers under way, not of the lanes.
func TestGoroutinesOfHandlersThatWait(t *testing.T) {
	countGoroutines(t)
	for _, workers := range []int{1, 4, 64} {
		synctest.Test(t, func(t *testing.T) {
			const handlers, some = 3, 8
			gate := make(chan struct{}) // the test closes it, the handlers receive; nobody sends
			b := newBelt(t, memory.New(), pipeline.Options{Workers: workers}, steps(handlers, func(context.Context, int) error {
				<-gate
				return nil
			})).start()
			synctest.Wait()
			idle := runtime.NumGoroutine()
			for _, cmd := range many(1000, 1000, step{Go: true}) {
				_, err := b.Send(t.Context(), cmd)
				require.NoError(t, err)
			}
			synctest.Wait()
			busy := runtime.NumGoroutine()
			require.GreaterOrEqual(t, busy, idle+workers*handlers)
			require.LessOrEqual(t, busy, idle+workers*handlers+runtime.GOMAXPROCS(0)+some)
			close(gate)
			require.Equal(t, 1000, b.end().Accepted)
		})
	}
}

// Quick handlers need no goroutine each, however many commands and lanes there are.
func TestGoroutinesOfQuickHandlers(t *testing.T) {
	countGoroutines(t)
	synctest.Test(t, func(t *testing.T) { // its clock stands still in code that does not wait, so that this is quick code
		const some = 64 // the runtime may be moving as many that have ended
		before := runtime.NumGoroutine()
		var most atomic.Int64
		b := newBelt(t, memory.New(), pipeline.Options{}, steps(5, func(context.Context, int) error {
			for n := int64(runtime.NumGoroutine()); ; {
				if old := most.Load(); n <= old || most.CompareAndSwap(old, n) {
					return nil
				}
			}
		}))
		b.inWaves(many(1000, 100, step{}), many(4000, 1000, step{Go: true}))
		require.Equal(t, 5000, b.report.Accepted)
		// A worker is hired for each processor. While handlers were not known as quick no more than that run.
		require.LessOrEqual(t, int(most.Load())-before, runtime.GOMAXPROCS(0)+some)
	})
}

// A command that a decider decides costs a bounded number of allocations, also one whose aggregate is new. This counts and
// does not time.
func TestAllocationsOfACommand(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools forget")
	}
	const n = 20_000
	for accounts, most := range map[int]float64{100: 4, n: 10} {
		cmds := make([]*engine.Command, n)
		for i := range cmds {
			cmds[i] = engine.NewCommand(fmt.Sprint("account-", i%accounts), credit{int64(i)})
		}
		p, err := pipeline.New(credits(true, 0), sinks.NewStore(memory.New()), pipeline.Options{})
		require.NoError(t, err)
		source := sources.Slice(cmds)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		report, err := p.Run(t.Context(), source)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		require.Equal(t, n, report.Accepted)
		require.LessOrEqual(t, float64(after.Mallocs-before.Mallocs)/n, most, "%d accounts", accounts)
	}
}
