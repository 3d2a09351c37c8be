package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// LongHistory lets concurrent clients append, repeat and load at full speed, beside a reader that follows the log, and
// then compares everything that anybody was answered with what the log holds. Every event is unique and a stream only
// grows, so one pass is enough: half a million operations take seconds, where a search for a sequence would not end.
//
// It finds appends that were lost, torn, doubled or moved (G1 to G4), loads that are no prefix or older than what was
// acknowledged before (G3), other answers to a repeat (G6), and a reader that skips, repeats or is ahead of Load (G7).
//
// It runs 20,000 operations, or as many as ORCHESTRIX_LONG says.
func LongHistory(t *testing.T, open func(t *testing.T, dir string) engine.Store, options Concurrency) {
	t.Helper()
	long(t, func(_ reporter, dir string) engine.Store { return open(t, dir) }, options)
}

func long(t reporter, open opener, options Concurrency) {
	t.Helper()
	options = options.filled(number(envLong, 20_000))
	p := newProbe(t, open(t, t.TempDir()))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := &longRun{parts: make([]part, options.Clients)}
	l.shared = &shared{Concurrency: options, store: p.store, ctx: ctx}
	stopReader := l.follow(cancel)
	begin := time.Now()
	l.run(t, l.work)
	stopReader()
	took := time.Since(begin)
	begin = time.Now()
	fault := l.judge()
	t.Logf("%s=%d: %d operations in %v, judged in %v", envSeed, options.Seed, options.Operations,
		took.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
	if fault != nil {
		t.Errorf("%v. A like history: %s", fault, repeatWith(t, fmt.Sprintf("%s=%d %s=%d",
			envSeed, options.Seed, envLong, options.Operations), ""))
	}
}

// longRun is a long history. Each client writes only to its own part.
type longRun struct {
	*shared
	parts []part
	seen  []uint64 // by the reader: the keys of the events, in the sequence in which they came
}

type part struct {
	appends []appended
	loads   []loaded
}

// appended is one append with its answer. Its events have the keys first to first+events-1.
type appended struct {
	aggregate int
	expected  engine.Expected
	first     uint64
	events    int
	acked     engine.Version // what was acknowledged of the aggregate before the call
	result    engine.Result
}

// loaded is what a load gave: n events from a version on, with a hash of their keys.
type loaded struct {
	aggregate int
	from      engine.Version
	n         int
	hash      uint64
	acked     engine.Version
}

// work is what one client does.
func (l *longRun) work(c *client, operations int) {
	part := &l.parts[c.number]
	var old []engine.Append // what some call has stored, to be repeated when much else has happened
	var first []engine.Result
	for operations > 0 && l.failed.Load() == nil {
		switch kind := c.random.IntN(10); {
		case kind < 3:
			l.load(c, part)
			operations--
		case kind == 3 && len(old) > 0:
			l.repeat(old, first)
			operations -= len(old)
			old = nil
		default:
			n := min(operations, 1+c.random.IntN(24))
			batch, results := l.append(c, part, n)
			operations -= n
			if len(old) == 0 {
				old, first = storedOf(batch, results)
			}
		}
	}
}

// append calls the store with n new appends, and notes what it answers.
func (l *longRun) append(c *client, part *part, n int) ([]engine.Append, []engine.Result) {
	batch, notes := make([]engine.Append, n), make([]appended, n)
	for i := range batch {
		on := c.random.IntN(l.Aggregates)
		acked := engine.Version(l.acked[on].Load())
		batch[i] = c.fresh(on, 3)
		notes[i] = appended{aggregate: on, expected: batch[i].Expected, events: len(batch[i].Events), acked: acked}
		if notes[i].events > 0 {
			notes[i].first = keyOf(batch[i].Events[0].ID)
		}
	}
	mine := make([]engine.Append, n) // a store may touch its batch
	for i := range batch {
		mine[i] = batch[i]
		mine[i].Events = slices.Clone(batch[i].Events)
	}
	results := l.store.Append(l.ctx, mine)
	if len(results) != n {
		l.fail("Append answered %d results for %d appends", len(results), n)
		return nil, nil
	}
	for i, result := range results {
		notes[i].result = result
		if result.Err == nil {
			l.ack(notes[i].aggregate, result.Last)
		}
	}
	part.appends = append(part.appends, notes...)
	return batch, results
}

// storedOf gives the appends of a call that were stored, at most eight, with their results.
func storedOf(batch []engine.Append, results []engine.Result) (stored []engine.Append, first []engine.Result) {
	for i, result := range results {
		if result.Err == nil && len(stored) < 8 {
			stored, first = append(stored, batch[i]), append(first, result)
		}
	}
	return stored, first
}

// repeat calls the store again with what it has stored, and demands the same answers.
func (l *longRun) repeat(batch []engine.Append, first []engine.Result) {
	for i, again := range l.store.Append(l.ctx, batch) {
		want := first[i]
		want.Duplicate = true
		if again != want && !errors.Is(again.Err, engine.ErrUnknown) {
			l.fail("G6: a repeated command was answered %+v, the first answer was %+v", again, want)
		}
	}
}

// load reads the last events of a stream.
func (l *longRun) load(c *client, part *part) {
	on := c.random.IntN(l.Aggregates)
	note := loaded{aggregate: on, acked: engine.Version(l.acked[on].Load()), from: 1}
	if back := engine.Version(c.random.IntN(20)); note.acked > back {
		note.from = note.acked - back
	}
	for event, err := range l.store.Load(l.ctx, nameOf(on), note.from) {
		if err != nil {
			l.fail("Load failed: %v", err)
			return
		}
		if want := note.from + engine.Version(note.n); event.Version != want {
			l.fail("G3: a load from version %d gave version %d where %d was due", note.from, event.Version, want)
			return
		}
		note.n++
		note.hash = note.hash*31 + keyOf(event.ID)
	}
	part.loads = append(part.loads, note)
}

// follow reads the log while it grows. Call what it returns when nothing is appended any more: it waits until the reader
// has seen everything. The reader looks whether Load knows what it sees.
func (l *longRun) follow(cancel context.CancelFunc) (stop func()) {
	var done atomic.Bool
	var running sync.WaitGroup
	running.Go(func() {
		var after engine.Position
		for l.failed.Load() == nil {
			last := done.Load()
			for event, err := range l.store.Read(context.WithoutCancel(l.ctx), after) {
				if err != nil || event.Position <= after {
					l.fail("G7: a reader behind position %d was given position %d, error %v", after, event.Position, err)
					return
				}
				after = event.Position
				l.seen = append(l.seen, keyOf(event.ID))
				if len(l.seen)%64 == 1 && !l.known(event) {
					l.fail("G7: a reader saw version %d of %q, which Load does not give", event.Version, event.Subject)
					return
				}
			}
			if last {
				return
			}
			_ = l.store.Wait(l.ctx, after) // ends with the context too: one more look then
		}
	})
	return func() {
		done.Store(true)
		cancel()
		running.Wait()
	}
}

// known tells whether Load gives an event that the reader saw.
func (l *longRun) known(event engine.Event) bool {
	for loaded, err := range l.store.Load(context.WithoutCancel(l.ctx), event.Subject, event.Version) {
		return err == nil && loaded.ID == event.ID
	}
	return false
}
