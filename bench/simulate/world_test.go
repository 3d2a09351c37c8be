package simulate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// world is everything that outlives a pipeline.
type world struct {
	plan
	t     *testing.T
	store *memory.Store
	began time.Time
	lives []*life

	writers atomic.Int64 // calls of the store, in whatever life

	mu       sync.Mutex
	tries    map[spot]int           // how often something was done at a spot
	blows    map[spot]int           // how often it came to grief there
	firsts   map[spot]time.Duration // when it was done first, of handlers
	hopeless map[spot]bool          // where it failed for good
	effects  map[int]*effect        // of commands, by number
	strange  int                    // events of the other writer
	settled  map[int]bool           // commands of the input that are acknowledged
	sent     map[int]int            // how often each command was sent
	letters  []letter               // commands that were dead-lettered
	history  [][]moment             // of each aggregate
	faulty   []string               // what is not as promised
	happened figures
	whole    []engine.Event   // the log, once nothing runs any more
	streams  [][]engine.Event // and what it has of each aggregate
}

// letter is a command that was dead-lettered, and when.
type letter struct {
	at     time.Duration
	number int
}

// dead gives the commands that were dead-lettered, in sequence. Of those at one instant nobody knows the sequence, unless
// they are of one aggregate.
func (w *world) dead() []int {
	slices.SortStableFunc(w.letters, func(a, b letter) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(w.input[a.number].aggregate, w.input[b.number].aggregate))
	})
	var dead []int
	for _, l := range w.letters {
		dead = append(dead, l.number)
	}
	return dead
}

// effect is what the store has of a command.
type effect struct {
	life        int
	first, last engine.Version
	rejection   string
}

func newWorld(t *testing.T, p plan) *world {
	return &world{
		plan: p, t: t, store: memory.New(), began: time.Now(),
		tries: map[spot]int{}, blows: map[spot]int{}, firsts: map[spot]time.Duration{}, hopeless: map[spot]bool{},
		effects: map[int]*effect{}, settled: map[int]bool{}, sent: map[int]int{}, history: make([][]moment, p.aggregates), happened: figures{seeds: 1, commands: len(p.input), outcomes: map[string]int{}},
	}
}

// now is how old the world is.
func (w *world) now() time.Duration { return time.Since(w.began) }

// sleep takes about d, whatever else happens.
func (w *world) sleep(at spot, d time.Duration) { time.Sleep(at.instant(w.now(), d)) }

// wait takes about d, unless the context ends first.
func (w *world) wait(ctx context.Context, at spot, d time.Duration) error {
	timer := time.NewTimer(at.instant(w.now(), d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try counts what happens at a spot, and gives the number of this time, from 1.
func (w *world) try(at spot) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries[at]++
	if at.place.isHandler() {
		w.timeCall(at)
	}
	return w.tries[at]
}

// hit notes that something came to grief at a spot.
func (w *world) hit(at spot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blows[at]++
}

// giveUp notes that it did so for good.
func (w *world) giveUp(at spot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hopeless[at] = true
}

// timeCall checks that a handler is not called again that failed for good, or too late. The caller holds the lock.
func (w *world) timeCall(at spot) {
	if w.tries[at] == 1 {
		w.firsts[at] = w.now()
	}
	took, total := w.now()-w.firsts[at], w.options.Retry.Total
	switch {
	case w.hopeless[at]:
		w.faulty = append(w.faulty, fmt.Sprintf("%s of #%d failed for good, and is called again", at.place, at.number))
	case w.roomy && w.options.Batch == 1 && took > total: // the time of what waits behind others begins later
		w.faulty = append(w.faulty, fmt.Sprintf("%s of #%d is called again after %v, the limit is %v", at.place, at.number, took, total))
	}
}

// happens counts a fault.
func (w *world) happens(f fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.happened.faults[f]++
}

// wrong notes something that is not as promised.
func (w *world) wrong(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faulty = append(w.faulty, fmt.Sprintf(format, args...))
}

// A moment is one line of an aggregate's history. It is put into words when somebody reads it.
type moment struct {
	at  time.Duration
	say func() string
}

func (m moment) String() string {
	return fmt.Sprintf("%12.6f ms  ", float64(m.at)/float64(time.Millisecond)) + m.say()
}

// note writes a line. The caller holds the lock.
func (w *world) note(aggregate int, say func() string) {
	w.history[aggregate] = append(w.history[aggregate], moment{w.now(), say})
}

// story is the history of an aggregate in words.
func (w *world) story(aggregate int) []string {
	var lines []string
	for _, m := range w.history[aggregate] {
		lines = append(lines, m.String())
	}
	return lines
}

// effected keeps what an append did to the store. A command that is stored twice is the worst there is.
func (w *world) effected(l *life, number int, r *engine.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if before := w.effects[number]; before != nil {
		w.faulty = append(w.faulty, fmt.Sprintf("#%d is stored at %d and again at %d", number, before.first, r.First))
		return
	}
	w.effects[number] = &effect{l.number, r.First, r.Last, r.Rejection}
	e := w.effects[number]
	w.note(w.input[number].aggregate, func() string {
		return fmt.Sprintf("life %d stores #%d at %d..%d %s", e.life, number, e.first, e.last, e.rejection)
	})
}

// left gives the commands of the input that are not acknowledged, in sequence.
func (w *world) left() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var left []int
	for n := range w.input {
		if !w.settled[n] {
			left = append(left, n)
		}
	}
	return left
}

// Aggregates are named by a letter.
func aggregateID(n int) string { return string(rune('a' + n)) }

func aggregateNumber(id string) int { return int(id[0] - 'a') }
