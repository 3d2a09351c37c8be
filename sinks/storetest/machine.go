package storetest

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Machine runs random histories of every method of a store, and compares every answer with a model's. Open opens the
// data in a directory, as for RunDurable; a store whose Capabilities are not Durable may pass over the directory, and is
// never reopened.
//
// How many histories, how long and with which seed is said by rapid's flags: -rapid.checks, -rapid.steps, -rapid.seed.
// A history that fails is made as short as possible, and the command that runs it again is logged.
func Machine(t *testing.T, open func(t *testing.T, dir string) engine.Store) {
	t.Helper()
	machine(t, func(_ reporter, dir string) engine.Store { return open(t, dir) })
}

// Differential runs the same random histories as Machine on two kinds of store. Both must answer the same, positions
// apart, and hold the same events at the end.
func Differential(t *testing.T, one, other func(t *testing.T, dir string) engine.Store) {
	t.Helper()
	machine(t,
		func(_ reporter, dir string) engine.Store { return one(t, dir) },
		func(_ reporter, dir string) engine.Store { return other(t, dir) },
	)
}

// machine runs the same histories on one store of each kind.
func machine(t reporter, opens ...opener) {
	t.Helper()
	defer pinSeed(t)()
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{Assertions: require.New(rt), t: rt, ctx: context.Background(), model: newModel()}
		for _, open := range opens {
			dir, err := os.MkdirTemp(root, "history-")
			h.NoError(err)
			s := &subject{positions: map[int]engine.Position{0: 0}, numbers: map[uint64]uint64{}}
			s.open = func() { s.store = open(t, dir) }
			s.open()
			h.subjects = append(h.subjects, s)
			defer func() {
				_ = s.store.Close() // finish looks at what it says; here the history may have failed already
				_ = os.RemoveAll(dir)
			}()
		}
		rt.Repeat(h.actions())
		h.finish()
	})
}

// pinSeed gives rapid a seed when nobody has, so that the command that is logged when the test fails repeats the whole
// run. Rapid itself prints a shorter way to the one history that failed. Call what it returns at the end.
func pinSeed(t reporter) (unpin func()) {
	seed, checks := flag.Lookup("rapid.seed"), flag.Lookup("rapid.checks")
	before := seed.Value.String()
	if before == "0" {
		_ = seed.Value.Set(strconv.FormatUint(chosenSeed(0), 10))
	}
	return func() {
		if t.Failed() {
			flags := fmt.Sprintf("-rapid.checks=%s -rapid.seed=%s", checks.Value, seed.Value)
			t.Logf("run it again: %s", repeatWith(t, "", flags))
		}
		_ = seed.Value.Set(before)
	}
}

// subject is one store of a history.
type subject struct {
	store     engine.Store
	open      func()                  // opens the store, or after Close opens it again
	positions map[int]engine.Position // those that are known, by place in the log, counted from 1; place 0 is the start
	numbers   map[uint64]uint64       // of dead letters, by the model's
	followed  int                     // the place up to which the follower has read
}

// history is one random history on one or more stores, with the model of what they hold.
type history struct {
	*require.Assertions
	t        *rapid.T
	ctx      context.Context
	model    *model
	subjects []*subject
	used     []engine.Append // what was appended with a command id, refused or not
	made     uint64          // ids, so that the same history has the same ones
}

// actions are what may happen in a history.
func (h *history) actions() map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){}
	all := map[string]func(){
		"append": h.appendOne, "append many": h.appendMany, "append a large one": h.appendLarge, "repeat": h.repeat,
		"be refused": h.beRefused, "be cancelled": h.beCancelled, "load": h.load, "read": h.read, "follow": h.follow,
		"break off": h.breakOff, "end": h.end, "reopen": h.reopen, "save a snapshot": h.saveSnapshot,
		"load a snapshot": h.loadSnapshot,
	}
	maps.Copy(all, h.letterActions())
	for name, act := range all {
		actions[name] = func(*rapid.T) { act() }
	}
	return actions
}

// call appends a batch to every subject and compares the results with the model's, and so with each other.
func (h *history) call(batch []engine.Append) {
	want, places := h.model.call(batch)
	for i := range batch {
		if !batch[i].CommandID.IsZero() {
			h.used = append(h.used, batch[i])
		}
	}
	for n, s := range h.subjects {
		mine := make([]engine.Append, len(batch)) // a store may touch its batch
		for i := range batch {
			mine[i] = batch[i]
			mine[i].Events = append([]engine.Event(nil), batch[i].Events...)
		}
		results := s.store.Append(h.ctx, mine)
		h.Len(results, len(batch), "Append must answer one result for each append")
		for i, got := range results {
			if want[i].Letter > 0 && got.Letter > 0 {
				h.letterNumber(s, want[i].Letter, got.Letter)
				got.Letter = want[i].Letter
			} else if want[i].Err == nil {
				h.position(s, places[i], got.Position)
			}
			got.Position = 0
			h.NoError(sameResult(want[i], got), "store %d, append %d of %d, to %q", n, i, len(batch), batch[i].Aggregate)
		}
	}
}

// position learns the position of a place in the log, or makes sure that it is still the same.
func (h *history) position(s *subject, place int, got engine.Position) {
	if known, ok := s.positions[place]; ok {
		if known != got {
			h.Fail("G7: an event has another position than before", "place %d: %d, now %d", place, known, got)
		}
		return
	}
	for other, position := range s.positions {
		if (other < place) != (position < got) {
			h.Fail("G7: positions do not increase", "place %d has %d, place %d has %d", place, got, other, position)
		}
	}
	s.positions[place] = got
}

// finish compares everything that the stores hold with the model.
func (h *history) finish() {
	if h.keepsLetters() {
		h.readLetters()
	}
	for _, s := range h.subjects {
		h.readFrom(s, 0)
		for _, aggregate := range aggregates {
			h.loadFrom(s, aggregate, 0)
		}
		h.NoError(s.store.Close())
	}
}
