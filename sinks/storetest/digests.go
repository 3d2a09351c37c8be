package storetest

import (
	"errors"

	"github.com/orchestrix-go/orchestrix/engine"
)

// reused makes sure that an append is refused because its command id was used before, for the aggregate `first`.
func (p *probe) reused(a engine.Append, first, why string) {
	p.t.Helper()
	before := len(p.read(0))
	result := p.refused(a, engine.ErrReused, why)
	var reused *engine.ReusedError
	p.True(errors.As(result.Err, &reused), "a command id used again must be a *ReusedError, it is %T", result.Err)
	p.Equal(engine.ReusedError{CommandID: a.CommandID, First: first, Again: a.Aggregate}, *reused)
	p.Equal(engine.Result{Err: result.Err}, result, "a refused append has a result besides its error")
	p.Len(p.read(0), before, "G6: a refused command was stored")
}

func digestReused(p *probe) {
	command := newAppend("a", engine.NoStream, 2)
	command.Digest = 1
	first := p.stored(command)
	for _, digest := range []uint64{2, 1 << 63, 1<<64 - 1} {
		other := newAppend("a", engine.Any, 1)
		other.CommandID, other.Digest = command.CommandID, digest
		p.reused(other, "a", "G6: a command id was accepted for a command that says something else")
		other.Expected = engine.Exactly(99)
		p.reused(other, "a", "G6: the version was looked at before the command id")
	}
	p.repeats(command, first) // the first one stands, and so does its digest
	results := p.call(p.digested(3), p.digested(3))
	p.NoError(results[0].Err)
	p.NoError(results[1].Err)
	one, two := p.digested(5), p.digested(6)
	two.CommandID = one.CommandID
	results = p.call(one, two)
	p.NoError(results[0].Err)
	p.ErrorIs(results[1].Err, engine.ErrReused, "G6: one call used one id for two commands")
	rejection := newAppend("a", engine.Any, 0)
	rejection.Rejection, rejection.Digest = "no", 7
	refused := p.stored(rejection)
	p.repeats(rejection, refused)
	rejection.Digest++
	p.reused(rejection, "a", "G6: the id of a rejected command was accepted for another")
}

// digested makes an append of one event with a digest and a new command id.
func (p *probe) digested(digest uint64) engine.Append {
	a := newAppend("a", engine.Any, 1)
	a.Digest = digest
	return a
}

func digestZero(p *probe) {
	known, unknown := p.digested(42), p.digested(0)
	first, second := p.stored(known), p.stored(unknown)
	known.Digest = 0
	p.repeats(known, first)
	unknown.Digest = 42 // the first time it was not known: there is nothing to differ from
	p.repeats(unknown, second)
	unknown.Digest = 43
	p.repeats(unknown, second)
	known.Digest = 43
	p.reused(known, "a", "G6: a repeat without a digest made the store forget the first one's")
	loose := p.digested(1)
	loose.CommandID = engine.ID{}
	p.stored(loose)
	loose.Digest = 2
	p.stored(loose)
}
