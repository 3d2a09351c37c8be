package simulate

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// No test of this package may leave a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSimulation runs worlds, one for each seed, from ORCHESTRIX_SEED on (zero without it), as many as ORCHESTRIX_SEEDS
// says (300 without it).
func TestSimulation(t *testing.T) {
	from, seeds := number(t, "ORCHESTRIX_SEED", 0), number(t, "ORCHESTRIX_SEEDS", 300)
	var mu sync.Mutex
	var total figures
	began := time.Now()
	next := make(chan uint64) // the goroutine below sends and closes, the shards receive; unbuffered: a shard asks
	go func() {
		defer close(next)
		for seed := from; seed < from+seeds; seed++ {
			next <- seed
		}
	}()
	t.Cleanup(func() { t.Logf("%v in %v", &total, time.Since(began).Round(time.Second)) })
	for shard := range 2 {
		t.Run(strconv.Itoa(shard), func(t *testing.T) {
			t.Parallel()
			defer func() { // a shard that fails gives up, and the others with it
				for range next {
				}
			}()
			for seed := range next {
				w := run(t, seed, false)
				mu.Lock()
				total.add(&w.happened)
				if total.seeds%10_000 == 0 {
					fmt.Printf("%7.0f s  %d seeds\n", time.Since(began).Seconds(), total.seeds)
				}
				mu.Unlock()
			}
		})
	}
}

// number reads a number from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is %q: give a number", name, text)
	}
	return n
}

// TestSimulationTwice runs a world of every twentieth of these seeds twice: it must have the same history. It does so on one
// processor, as two of them may do in either sequence what is due at one instant, and collects garbage between two worlds,
// because what that interrupts goes on behind all others.
func TestSimulationTwice(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	from, seeds := number(t, "ORCHESTRIX_SEED", 0), number(t, "ORCHESTRIX_SEEDS", 300)
	twice := 0
	for seed := (from + 19) / 20 * 20; seed < from+seeds; seed += 20 {
		once := run(t, seed, true)
		runtime.GC()
		again := run(t, seed, true)
		runtime.GC()
		for a := range once.history {
			requireSame(t, seed, once.story(a), again.story(a))
		}
		twice++
	}
	t.Logf("%d seeds run twice with the same history", twice)
}

// requireSame compares two histories of an aggregate.
func requireSame(t *testing.T, seed uint64, before, after []string) {
	if slices.Equal(before, after) {
		return
	}
	i := 0
	for i < min(len(before), len(after)) && before[i] == after[i] {
		i++
	}
	t.Fatalf("a history differs:\n%s\n\nand again:\n%s\n%s", strings.Join(before[:min(i+1, len(before))], "\n"),
		strings.Join(after[:min(i+1, len(after))], "\n"), repro(seed))
}

// repro is how to see a seed again.
func repro(seed uint64) string {
	return fmt.Sprintf("again: ORCHESTRIX_SEED=%d ORCHESTRIX_SEEDS=1 go test ./bench/simulate -run TestSimulation -v", seed)
}

// run lets a world live from its beginning to its end, in virtual time.
func run(t *testing.T, seed uint64, roomy bool) (w *world) {
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(t, draw(seed, roomy))
		w.pass()
		if len(w.faulty) == 0 {
			return
		}
		for _, l := range w.lives {
			t.Logf("life %d: %+v, sent %v, calm %v: %v", l.number, l.lot, l.input, l.calm, l.err)
		}
		t.Logf("%+v, roomy %v, instant %v", w.options, w.roomy, w.instant)
		for a := range w.aggregates {
			t.Logf("%s:\n%s", aggregateID(a), strings.Join(w.story(a), "\n"))
		}
		t.Fatalf("%s\n%s", strings.Join(w.faulty[:min(20, len(w.faulty))], "\n"), repro(seed))
	})
	return w
}

// pass is the life of the world: pipelines with faults, then some without, then one that gets what was dead-lettered.
func (w *world) pass() {
	for _, l := range w.lots {
		input := w.left()
		if l.replay && w.keeps {
			input = append(w.shelved(), input...)
		}
		w.newLife(input, l).live()
	}
	h := &hat{dice: w.dice}
	for range 3 {
		if len(w.left()) > 0 {
			w.newCalmLife(h, w.left(), false).live()
		}
	}
	w.await()
	w.replay(h)
	w.await()
	synctest.Wait()
	w.judge()
}

// replay mends what was poisoned and sends what was dead-lettered, until nothing is left: a letter that was skipped comes
// before one that parks its aggregate, and has to wait for it at first.
func (w *world) replay(h *hat) {
	dead := w.dead()
	if w.keeps {
		dead = w.shelved()
	}
	for passes := 0; passes < 3 && len(dead) > 0; passes++ {
		again := w.newCalmLife(h, dead, true)
		if w.keeps && h.whether(0.5) {
			again.way = replaying
		}
		again.live()
		if dead = nil; w.keeps {
			dead = w.shelved()
		}
	}
}

func (w *world) newCalmLife(h *hat, input []int, mended bool) *life {
	l := w.newLife(input, lot{
		way: pick(h, feeding, streaming, sending, doing, chaining), clients: 1 + h.number(3), drain: 24 * time.Hour,
		follow: h.whether(0.3),
	})
	l.calm, l.mended = true, mended
	return l
}

// within waits until one of two channels is closed. A world that stands still for a year will do so for ever.
func (w *world) within(this, that <-chan struct{}) {
	timer := time.NewTimer(365 * 24 * time.Hour)
	defer timer.Stop()
	select {
	case <-this:
	case <-that:
	case <-timer.C:
		w.t.Fatalf("a pipeline does not end\n%s", repro(w.seed))
	}
}

// await waits for every life, the crashed ones too, and for what hangs in them.
func (w *world) await() {
	for _, l := range w.lives {
		w.within(nil, l.over)
	}
	time.Sleep(2 * w.hang)
}
