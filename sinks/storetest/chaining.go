package storetest

import (
	"errors"

	"github.com/orchestrix-go/orchestrix/engine"
)

// newChained makes an append that is chained to the one before it in its call.
func newChained(aggregate string, expected engine.Expected, n int) engine.Append {
	a := newAppend(aggregate, expected, n)
	a.Chained = true
	return a
}

// conflicts makes sure that an append was answered with a conflict, at the version where its aggregate is.
func (p *probe) conflicts(a engine.Append, result engine.Result, actual engine.Version, why string) {
	p.t.Helper()
	var conflict *engine.ConflictError
	p.True(errors.As(result.Err, &conflict), "%s: a conflict must be a *ConflictError, it is %T: %v", why, result.Err, result.Err)
	p.Equal(engine.ConflictError{Aggregate: a.Aggregate, Expected: a.Expected, Actual: actual}, *conflict, why)
	p.Equal(engine.Result{Err: result.Err}, result, "%s: a conflict has a result besides its error", why)
}

// chainHolds brings each append into the case for which Chained is there: another writer has filled the versions that
// the append before it did not store, so that the expected version holds.
func chainHolds(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 3)) // the other writer
	stale, bad := newAppend("a", engine.Exactly(2), 1), newAppend("a", engine.Exactly(2), 1)
	bad.Events[0].Type = ""
	for why, broken := range map[string]engine.Append{
		"G3: chained to an append that conflicted": stale, "G3: chained to an append that was out of bounds": bad,
	} {
		for _, expected := range []engine.Expected{engine.Exactly(3), engine.Any} {
			chained, rejection := newChained("a", expected, 1), newChained("a", expected, 0)
			rejection.Rejection = "decided on a state that never was"
			for _, a := range []engine.Append{chained, newChained("a", expected, 0), rejection} {
				p.conflicts(a, p.call(broken, a)[1], 3, why)
			}
		}
	}
	p.Len(p.load("a"), 3, "G3: an append was stored that is chained to one that was not")

	chained := newChained("a", engine.Exactly(3), 1)
	results := p.call(stale, chained, newAppend("a", engine.Exactly(3), 1))
	p.conflicts(chained, results[1], 3, "G3")
	p.NoError(results[2].Err, "an append that is not chained failed for its neighbour's fault")
	chained.Expected = engine.Exactly(6) // the conflict kept nothing of it, nor its command id
	results = p.call(newAppend("a", engine.Exactly(4), 2), chained)
	p.NoError(results[0].Err)
	p.Equal(engine.Result{First: 7, Last: 7, Position: results[1].Position}, results[1], "a chain that is whole must be stored")
	p.Len(p.load("a"), 7)
}

func chainBreaksToItsEnd(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 5))
	batch := []engine.Append{newAppend("a", engine.Exactly(4), 1)}
	for i := range 8 {
		expected := engine.Exactly(5)
		if i%2 == 1 {
			expected = engine.Any
		}
		batch = append(batch, newChained("a", expected, 1))
	}
	batch = append(batch, newAppend("a", engine.Exactly(5), 1), newChained("a", engine.Exactly(6), 1))
	results := p.call(batch...)
	for i := range 9 {
		p.conflicts(batch[i], results[i], 5, "G3: a chain breaks to its end")
	}
	p.NoError(results[9].Err, "an append that is not chained begins a new chain")
	p.NoError(results[10].Err, "an append that is not chained begins a new chain")
	p.Len(p.load("a"), 7, "G3: an append of a broken chain was stored")
}

func chainWithoutEvents(p *probe) {
	rejection := newAppend("a", engine.NoStream, 0)
	rejection.Rejection = "stored, and so no reason to break"
	other := newChained("a", engine.Exactly(1), 0)
	other.Rejection = "stored in the middle"
	batch := []engine.Append{
		rejection, newChained("a", engine.NoStream, 1), other, newChained("a", engine.Exactly(1), 0),
		newChained("a", engine.Exactly(1), 2), newChained("a", engine.Any, 1),
	}
	for i, result := range p.call(batch...) {
		p.NoError(result.Err, "append %d of a chain: one without events is stored too and breaks nothing", i)
		p.False(result.Duplicate)
	}
	p.Len(p.load("a"), 4)
}

func commandBeforeChain(p *probe) {
	first := newAppend("a", engine.NoStream, 1)
	second := newAppend("a", engine.Exactly(1), 1)
	one, two := p.stored(first), p.stored(second)
	one.Duplicate, two.Duplicate = true, true
	second.Chained = true
	behind := newChained("a", engine.Exactly(2), 1)
	stale := newAppend("a", engine.NoStream, 1)

	results := p.call(stale, second, behind)
	p.Equal(two, results[1], "G6: a stored command id answers its first result, whatever became of the chain")
	p.conflicts(behind, results[2], 2, "G3: chained to a duplicate, which this call has not stored")
	results = p.call(first, second, behind)
	p.Equal([]engine.Result{one, two}, results[:2], "G6: a stored command id answers its first result")
	p.conflicts(behind, results[2], 2, "G3: chained to a duplicate, which this call has not stored")

	other := second
	other.Aggregate, other.Events = "b", newEvents("b", 1)
	begin, end := newAppend("b", engine.NoStream, 1), newChained("b", engine.Exactly(1), 1)
	results = p.call(begin, other, end)
	p.NoError(results[0].Err)
	p.ErrorIs(results[1].Err, engine.ErrReused, "G6: a command id of another aggregate was accepted in a chain")
	p.conflicts(end, results[2], 1, "G3: chained to an append whose command id was refused")
	p.Len(p.load("a"), 2)
	p.Len(p.load("b"), 1)
}

func neverHolds(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 2))
	before := p.read(0)
	rejection := newAppend("", engine.Never, 0)
	rejection.Rejection = "not kept"
	noID := newAppend("", engine.Never, 1)
	noID.CommandID = engine.ID{}
	for aggregate, version := range map[string]engine.Version{"a": 2, "nobody": 0} {
		for _, a := range []engine.Append{
			newAppend(aggregate, engine.Never, 0), newAppend(aggregate, engine.Never, 2), rejection, noID,
		} {
			a.Aggregate = aggregate
			for i := range a.Events {
				a.Events[i].Subject = aggregate
			}
			for range 2 { // the question itself is not kept
				p.conflicts(a, p.append(a), version, "no version is Never")
			}
		}
	}
	p.Equal(before, p.read(0), "an append that expects Never left an event")
	p.nothingOf("nobody", "an append that expects Never left an event")
	asked := newAppend("nobody", engine.Never, 1)
	behind := newChained("nobody", engine.NoStream, 1)
	results := p.call(asked, behind)
	p.conflicts(asked, results[0], 0, "no version is Never")
	p.conflicts(behind, results[1], 0, "G3: chained to a question, which stores nothing")
	asked.Expected = engine.NoStream
	p.stored(asked) // its id is free
}

func neverAsks(p *probe) {
	command, rejection := newAppend("a", engine.NoStream, 2), newAppend("b", engine.NoStream, 0)
	command.Digest, rejection.Rejection = 5, "no"
	for _, a := range []engine.Append{command, rejection} {
		first := p.stored(a)
		question := engine.Append{Aggregate: a.Aggregate, CommandID: a.CommandID, Digest: a.Digest, Expected: engine.Never}
		p.repeats(question, first)
		p.stored(newAppend(a.Aggregate, engine.Any, 1)) // whatever the version is now
		p.repeats(question, first)
		question.Aggregate = "c"
		p.reused(question, a.Aggregate, "G6: a question for the command id of another aggregate was answered")
	}
	other := engine.Append{Aggregate: "a", CommandID: command.CommandID, Digest: 6, Expected: engine.Never}
	p.reused(other, "a", "G6: a question for the command id of another digest was answered")
	within := newAppend("a", engine.Any, 1)
	results := p.call(within, engine.Append{Aggregate: "a", CommandID: within.CommandID, Expected: engine.Never})
	p.NoError(results[0].Err)
	results[0].Duplicate = true
	p.Equal(results[0], results[1], "G6: a question in the call that stores the command must see it")
	p.nothingOf("c", "a question left an event")
}
