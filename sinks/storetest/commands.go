package storetest

import (
	"github.com/orchestrix-go/orchestrix/engine"
)

// repeats makes sure that an append is answered with a first result, and adds nothing.
func (p *probe) repeats(a engine.Append, first engine.Result) {
	p.t.Helper()
	before := len(p.load(a.Aggregate))
	again := p.append(a)
	p.NoError(again.Err, "G6: a repeated command must be answered with its first result")
	first.Duplicate = true
	p.Equal(first, again, "G6: a repeated command was answered with another result than the first")
	p.Len(p.load(a.Aggregate), before, "G6: a repeated command was stored twice")
}

func commandAnswersFirst(p *probe) {
	command := newAppend("a", engine.NoStream, 2)
	first := p.stored(command)
	p.repeats(command, first)
	for range 30 { // also far later
		p.stored(newAppend("a", engine.Any, 40))
		p.stored(newAppend("b", engine.Any, 40))
	}
	p.repeats(command, first)
	other := command
	other.Events = newEvents("a", 5)
	p.repeats(other, first) // the id decides, not what comes with it
}

func commandBeforeVersion(p *probe) {
	command := newAppend("a", engine.NoStream, 1)
	first := p.stored(command)
	p.stored(newAppend("a", engine.Exactly(1), 1))
	p.repeats(command, first) // NoStream no longer holds: that must not matter
	command.Expected = engine.Any
	p.repeats(command, first)
	command.Expected = engine.Exactly(99)
	p.repeats(command, first)
}

func commandWithinCall(p *probe) {
	command := newAppend("a", engine.NoStream, 1)
	results := p.call(command, command, newAppend("a", engine.Exactly(1), 1))
	p.NoError(results[0].Err)
	p.NoError(results[1].Err, "G6: a command that comes twice in one call must be answered twice")
	p.True(results[1].Duplicate, "G6: a command that comes twice in one call was not recognized")
	p.Equal(results[0].Position, results[1].Position, "G6: a duplicate must have the first position")
	p.NoError(results[2].Err)
	p.Len(p.load("a"), 2, "G6: a command that came twice in one call was stored twice")
}

func failedCommandIsFree(p *probe) {
	command := newAppend("a", engine.Exactly(1), 1)
	p.refused(command, engine.ErrConflict, "G4")
	p.stored(newAppend("a", engine.NoStream, 1))
	result := p.stored(command) // the conflict stored nothing, the id neither
	p.Equal(engine.Version(2), result.First)
}

func commandReused(p *probe) {
	command := newAppend("a", engine.NoStream, 1)
	first := p.stored(command)
	for _, expected := range []engine.Expected{engine.NoStream, engine.Any, engine.Exactly(5)} {
		other := newAppend("b", expected, 1)
		other.CommandID = command.CommandID
		p.refused(other, engine.ErrReused, "G6: a command id of another aggregate was accepted")
	}
	p.nothingOf("b", "a refused append was stored")
	p.repeats(command, first)
	p.stored(newAppend("b", engine.NoStream, 1))
}

func zeroCommandID(p *probe) {
	for i := range 3 {
		a := newAppend("a", engine.Exactly(engine.Version(i)), 1)
		a.CommandID = engine.ID{}
		p.stored(a)
	}
	a := newAppend("b", engine.Any, 1)
	a.CommandID = engine.ID{}
	p.stored(a)
	p.Len(p.load("a"), 3)
}

func rejectionIsKept(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 2))
	rejection := newAppend("a", engine.Exactly(2), 0)
	rejection.Rejection = "not enough 'stock' ✓"
	first := p.stored(rejection)
	p.Equal(engine.Result{First: 3, Last: 2, Rejection: rejection.Rejection}, first, "a rejection has no events")
	p.stored(newAppend("a", engine.Exactly(2), 1))
	p.repeats(rejection, first)
	accepted := newAppend("a", engine.Exactly(3), 1)
	accepted.CommandID = rejection.CommandID
	p.repeats(accepted, first) // decided anew it would be accepted: the first outcome stands
	unknown := newAppend("nobody", engine.NoStream, 0)
	unknown.Rejection = "no such order"
	first = p.stored(unknown)
	p.repeats(unknown, first)
	p.nothingOf("nobody", "a rejection left an event")
}

func rejectionIsConditional(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 2))
	rejection := newAppend("a", engine.Exactly(1), 0)
	rejection.Rejection = "decided on a stale state"
	p.refused(rejection, engine.ErrConflict, "G4: a rejection was stored that was decided on a stale state")
	rejection.Expected = engine.Exactly(2)
	p.stored(rejection)
}

func repeatsStoreOnce(p *probe) {
	const callers = 8
	for range 10 {
		command := newAppend("a", engine.Any, 1)
		results := make([]engine.Result, callers)
		p.together(callers, func(i int) {
			results[i] = p.store.Append(p.ctx, []engine.Append{command})[0]
		})
		fresh := 0
		for _, result := range results {
			p.NoError(result.Err, "G6")
			p.Equal(results[0].Position, result.Position, "G6: one command was answered with two positions")
			if !result.Duplicate {
				fresh++
			}
		}
		p.Equal(1, fresh, "G6: of concurrent repeats these many claim to be the first")
	}
	p.Len(p.load("a"), 10, "G6: a command was stored more than once")
}
