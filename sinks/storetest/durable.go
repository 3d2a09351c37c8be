package storetest

import (
	"fmt"
	"testing"

	"github.com/orchestrix-go/orchestrix/engine"
)

// A durableRule is one thing that a store still knows when it is opened again. Reopen closes the store and gives a probe
// of the same data.
type durableRule struct {
	name  string
	check func(p *probe, reopen func() *probe)
}

// durableRules are about what a store still knows when it is opened again.
var durableRules = []durableRule{
	{"events are there after reopening", reopenKeepsEvents},
	{"versions and positions go on after reopening", reopenGoesOn},
	{"command ids answer their first result after reopening", reopenKeepsCommands},
	{"digests and aggregates of command ids are known after reopening", reopenKeepsDigests},
	{"snapshots are there after reopening", reopenKeepsSnapshots},
	{"dead letters are there after reopening", reopenKeepsLetters},
	{"a reader resumes after reopening", reopenResumes},
	{"reopening many times loses nothing", reopenOften},
}

// RunDurable proves the rules of a store that keeps its events when it is closed. Open opens the data in a directory,
// which is empty the first time, and gives the same data when it is called again with the same directory after the store
// was closed. RunDurable does not repeat what Run proves.
func RunDurable(t *testing.T, open func(t *testing.T, dir string) engine.Store) {
	t.Helper()
	for _, r := range durableRules {
		t.Run(r.name, func(t *testing.T) {
			runDurable(t, r, func(_ reporter, dir string) engine.Store { return open(t, dir) })
		})
	}
}

func runDurable(t reporter, r durableRule, open opener) {
	dir := t.TempDir()
	p := newProbe(t, open(t, dir))
	r.check(p, func() *probe {
		p.NoError(p.store.Close(), "Close")
		p = newProbe(t, open(t, dir))
		return p
	})
}

func reopenKeepsEvents(p *probe, reopen func() *probe) {
	for i := range 20 {
		p.stored(newAppend(fmt.Sprint("a", i%4), engine.Any, i+1))
	}
	log, stream := p.read(0), p.load("a3")
	p = reopen()
	p.Equal(log, p.read(0), "G1: the log is another one after reopening")
	p.Equal(stream, p.load("a3"), "G1: a stream is another one after reopening")
}

func reopenGoesOn(p *probe, reopen func() *probe) {
	first := p.stored(newAppend("a", engine.NoStream, 3))
	p = reopen()
	p.refused(newAppend("a", engine.NoStream, 1), engine.ErrConflict, "G4: the version was forgotten by reopening")
	end, err := p.store.End(p.ctx)
	p.NoError(err)
	p.Equal(first.Position, end, "G7: the end of the log is another one after reopening")
	second := p.stored(newAppend("a", engine.Exactly(3), 2))
	p.Equal(engine.Version(4), second.First, "G3: versions do not go on after reopening")
	p.Greater(second.Position, first.Position, "G7: positions do not go on after reopening")
	p.Len(p.load("a"), 5)
}

func reopenKeepsCommands(p *probe, reopen func() *probe) {
	command, rejection := newAppend("a", engine.NoStream, 2), newAppend("a", engine.Exactly(2), 0)
	rejection.Rejection = "sold out"
	nothing := newAppend("b", engine.NoStream, 0)
	first, refused, none := p.stored(command), p.stored(rejection), p.stored(nothing)
	for range 2 {
		p = reopen()
		p.repeats(command, first)
		p.repeats(rejection, refused)
		p.repeats(nothing, none)
		other := newAppend("c", engine.NoStream, 1)
		other.CommandID = rejection.CommandID
		p.refused(other, engine.ErrReused, "G6: reopening forgot whose command id it is")
		p.stored(newAppend("a", engine.Any, 10))
	}
}

func reopenResumes(p *probe, reopen func() *probe) {
	p.stored(newAppend("a", engine.NoStream, 10))
	seen := p.read(0)
	p.stored(newAppend("b", engine.NoStream, 10))
	p = reopen()
	p.stored(newAppend("c", engine.NoStream, 10))
	rest := p.read(seen[len(seen)-1].Position)
	p.Len(rest, 20, "G7: a reader that resumes after reopening misses or repeats events")
	p.Equal("b", rest[0].Subject, "G7: a reader resumes at a wrong place")
}

func reopenOften(p *probe, reopen func() *probe) {
	for i := range 8 {
		p.Len(p.load("a"), i, "G1: events are missing after reopening %d times", i)
		p.stored(newAppend("a", engine.Exactly(engine.Version(i)), 1))
		p.stored(newAppend(fmt.Sprint("b", i), engine.NoStream, 1))
		p = reopen()
	}
	p.Len(p.read(0), 16, "G1: events are missing after reopening many times")
}

func reopenKeepsDigests(p *probe, reopen func() *probe) {
	command, unknown := newAppend("a", engine.NoStream, 1), newAppend("a", engine.Any, 1)
	command.Digest = 1<<63 + 17
	first, second := p.stored(command), p.stored(unknown)
	for range 2 {
		p = reopen()
		p.repeats(command, first)
		other, zero := command, command
		other.Digest, zero.Digest = 18, 0
		p.reused(other, "a", "G6: reopening forgot what the command said")
		p.repeats(zero, first)
		unknown.Digest++ // what it was is not known, so nothing can differ from it
		p.repeats(unknown, second)
		elsewhere := newAppend("b", engine.NoStream, 1)
		elsewhere.CommandID, elsewhere.Digest = command.CommandID, command.Digest
		p.reused(elsewhere, "a", "G6: reopening forgot whose command id it is")
	}
	p.Len(p.read(0), 2, "G6: a command id that came again stored something")
}

func reopenKeepsSnapshots(p *probe, reopen func() *probe) {
	keeper, ok := p.store.(engine.Snapshotter)
	if !ok {
		return
	}
	p.stored(newAppend("a", engine.NoStream, 9))
	want := engine.Snapshot{Aggregate: "a", Version: 7, Schema: "2", Data: engine.Raw("\x00\xff state")}
	p.NoError(keeper.SaveSnapshot(p.ctx, want))
	for range 2 {
		p = reopen()
		keeper = p.store.(engine.Snapshotter)
		got, ok, err := keeper.LoadSnapshot(p.ctx, "a", 9)
		p.NoError(err)
		p.True(ok, "a snapshot is gone although the store was closed in peace")
		p.Equal(want, got, "a snapshot is another one after reopening")
	}
}
