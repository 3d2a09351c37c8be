package pipeline_test

import (
	"context"
	"errors"
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

// gated is a domain whose handlers take some time, or hang until the gate opens.
func gated(gate <-chan struct{}) module {
	return steps(1, func(ctx context.Context, _ int) error {
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return ctx.Err()
	})
}

// takes is how long a command of the others takes in these tests.
const takes = 10 * time.Millisecond

// mixed makes n commands for 64 aggregates in turn. Those of the first hang or take as long as the others.
func mixed(n int, hangs bool) []*engine.Command {
	cmds := make([]*engine.Command, n)
	for i := range cmds {
		name, data := fmt.Sprint("a", i%64), any(note{Waits: []time.Duration{takes}})
		if i%64 == 0 && hangs {
			data = step{Go: true}
		}
		cmds[i] = engine.NewCommand(name, data)
	}
	return cmds
}

// lastOf hooks into the commands that are wanted and gives the time at which the last of them had its outcome.
func lastOf(cmds []*engine.Command, wanted func(i int) bool) func() time.Duration {
	began, last, left := time.Now(), time.Duration(0), 0
	var mu sync.Mutex
	for i, cmd := range cmds {
		if !wanted(i) {
			continue
		}
		left++
		cmd.Settled = func(engine.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			left--
			last = time.Since(began)
		}
	}
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		if left > 0 {
			return time.Duration(1 << 62)
		}
		return last
	}
}

// paced is a source that brings a command now and then.
func paced(cmds []*engine.Command, every time.Duration) *sources.Source {
	return sources.Seq(func(yield func(*engine.Command) bool) {
		for _, cmd := range cmds {
			time.Sleep(every)
			if !yield(cmd) {
				return
			}
		}
	})
}

// One of 64 aggregates hangs. What one source brings for the others until the share is used takes at most a ninth longer,
// though at that rate nearly all of the window that is left to them is in use: a command waits for the turn before it, and
// takes a turn. Then the source waits, and a caller of any other aggregate does not.
func TestOneHangingAggregateCostsItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const window, share, every = 640, 64, 40 * time.Microsecond
		others := func(i int) bool { return i%64 != 0 && i < share*64 }
		run := func(hangs bool) (took time.Duration) {
			gate := make(chan struct{}) // closed below, the handlers receive; nobody sends
			cmds := mixed(4*share*64, hangs)
			last := lastOf(cmds, others)
			b := newBelt(t, memory.New(), pipeline.Options{Window: window}, gated(gate))
			go func() { // ends with Run
				defer close(b.ended)
				b.report, b.err = b.Run(context.Background(), paced(cmds, every))
			}()
			time.Sleep(20 * time.Second)
			if took = last(); hangs {
				report := b.Report()
				require.Equal(t, share, report.InFlight, "the source waits with the share used")
				require.Equal(t, 63*share, report.Commands)
				began := time.Now()
				_, err := b.Do(t.Context(), engine.NewCommand("a1", note{Waits: []time.Duration{takes}}))
				require.NoError(t, err)
				require.Equal(t, takes, time.Since(began))
			}
			close(gate)
			<-b.ended
			require.NoError(t, b.err)
			require.True(t, b.report.Sequence.OK())
			require.Zero(t, b.report.InFlight)
			return took
		}
		normal, hung := run(false), run(true)
		require.LessOrEqual(t, hung*9, normal*10, "normally %v, beside one that hangs %v", normal, hung)
	})
}

// A source that is a thousand times hotter than the other aggregates, and for one alone, leaves them their rate.
func TestHotAggregateLeavesTheOthersTheirRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const window, n, every = 200, 2000, 200 * time.Microsecond
		run := func(hot int) time.Duration {
			var cool, heat []*engine.Command
			for i := range n {
				cool = append(cool, engine.NewCommand(fmt.Sprint("a", i%63), note{Waits: []time.Duration{takes}}))
			}
			for range hot {
				heat = append(heat, engine.NewCommand("hot", note{Waits: []time.Duration{takes}}))
			}
			last := lastOf(cool, func(int) bool { return true })
			b := newBelt(t, memory.New(), pipeline.Options{Window: window, Batch: 4})
			_, err := b.Run(t.Context(), sources.Slice(heat), paced(cool, every))
			require.NoError(t, err)
			return last()
		}
		normal, beside := run(0), run(1000*n/63)
		require.LessOrEqual(t, beside*9, normal*10, "normally %v, beside a hot one %v", normal, beside)
	})
}

// inFlight counts the commands of each aggregate between the return of Send and their outcome.
type inFlight struct {
	mu   sync.Mutex
	now  map[string]int
	most int
}

func (f *inFlight) add(aggregate string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now[aggregate] += n
	f.most = max(f.most, f.now[aggregate])
}

// Whoever sends, waits and gives up: no aggregate has more than its share in flight, what one caller sends stays in
// sequence, and no place is lost: at the end an aggregate takes its whole share again.
func TestSharesUnderRandomSenders(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 9))
			window := 1 + rng.IntN(12)
			share := 1 + rng.IntN(window)
			store := memory.New()
			b := newBelt(t, store, pipeline.Options{
				Window: window, Share: share, Batch: 1 + rng.IntN(4), Workers: 1 + rng.IntN(4), Cache: pick(rng, -1, 1, 100),
			}).start()
			f := &inFlight{now: map[string]int{}}
			var senders sync.WaitGroup
			for s := range 6 {
				rng := rand.New(rand.NewPCG(seed, uint64(s)))
				senders.Go(func() {
					for n := range 40 {
						send(t, b, rng, f, job{Amounts: []int{1000*s + n}})
					}
				})
			}
			senders.Wait()
			time.Sleep(time.Second) // until all patience is over and everything has its outcome
			for i := range 3 {
				began := time.Now()
				for range share {
					_, err := b.Send(t.Context(), engine.NewCommand(fmt.Sprint("a", i), note{Waits: []time.Duration{takes}}))
					require.NoError(t, err)
				}
				require.Equal(t, began, time.Now(), "seed %d: places of a%d are lost", seed, i)
				time.Sleep(time.Second)
			}
			report := b.end()
			require.LessOrEqual(t, f.most, share, "seed %d", seed)
			require.True(t, report.Sequence.OK())
			require.Equal(t, report.Commands, report.Accepted, "seed %d", seed)
			last := map[string]int{}
			for _, e := range wholeLog(t, store) {
				if a, ok := e.Data.(added); ok {
					key := fmt.Sprint(e.Subject, "/", a.Amount/1000)
					require.Greater(t, a.Amount, last[key]-1, "seed %d: sender and aggregate %s", seed, key)
					last[key] = a.Amount + 1
				}
			}
		})
	}
}

// send sends one command to one of three aggregates, now and then with little patience.
func send(t *testing.T, b *belt, rng *rand.Rand, f *inFlight, j job) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if rng.IntN(3) == 0 {
		patience := time.Duration(rng.IntN(3000))
		go func() { // not context.WithTimeout: see raceDetector
			time.Sleep(patience)
			cancel()
		}()
	}
	j.Waits = []time.Duration{time.Duration(rng.IntN(2000))}
	cmd := engine.NewCommand(fmt.Sprint("a", rng.IntN(3)), mix(j))
	var once sync.Once
	count := func() { once.Do(func() { f.add(cmd.Subject, 1) }) }
	cmd.Settled = func(engine.Outcome) {
		count() // Send may not have returned yet
		f.add(cmd.Subject, -1)
	}
	switch _, err := b.Send(ctx, cmd); {
	case err == nil:
		count()
	case !errors.Is(err, context.Canceled):
		t.Error(err)
	}
}

// Who waits for a place in a lane is told when nothing is admitted any more.
func TestShareAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{}) // closed below, the handlers receive; nobody sends
		b := newBelt(t, memory.New(), pipeline.Options{Share: 1}, gated(gate)).start()
		_, err := b.Send(t.Context(), engine.NewCommand("a", step{Go: true}))
		require.NoError(t, err)
		refused := make(chan error, 2) // each goroutine below sends once; room for both
		for range 2 {
			go func() { // ends with the admission
				_, err := b.Send(context.Background(), engine.NewCommand("a", step{Go: true}))
				refused <- err
			}()
		}
		synctest.Wait()
		b.stop()
		synctest.Wait()
		require.ErrorIs(t, <-refused, engine.ErrClosed)
		require.ErrorIs(t, <-refused, engine.ErrClosed)
		close(gate)
		require.Equal(t, 1, b.end().Accepted)
	})
}
