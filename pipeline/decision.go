package pipeline

import (
	"context"

	"github.com/orchestrix-go/orchestrix/engine"
)

// decision is what is decided on one command, and what that takes. It is made by the code of others, which may not come back
// in time: then it is left to that code with the turn. So it is made without the task and without the lane, which others may
// have by then.
type decision struct {
	ctx       context.Context
	route     *engine.Route
	cmd       *engine.Command
	data      any
	calls     []call           // of the handlers, in registration sequence
	aggregate engine.Aggregate // the lane's state; nil when it has none and none is needed

	events []engine.Event
	all    []engine.Event // of the turn, with these
	err    error
	broken bool // the state is not to be used any more
}

// make makes the events of one command, encodes them if the store wants them so, and folds them into the state.
func (t *turn) make(d *decision) {
	payloads, err := t.join(d)
	if err == nil {
		err = t.state(d, payloads)
	}
	if d.err = err; err != nil || d.aggregate == nil {
		return
	}
	for i := range d.events {
		if d.err = d.aggregate.Evolve(d.events[i].Type, payloads[i]); d.err != nil {
			d.broken = true
			return
		}
	}
}

// join gives what the handlers and the decider of a command made, in registration sequence.
func (t *turn) join(d *decision) ([]any, error) {
	var made []any
	if d.route.NewAggregate != nil {
		var err error
		if made, err = d.aggregate.Decide(d.ctx, d.route.Type, d.cmd, d.data); err != nil {
			return nil, err
		}
	}
	if len(d.calls) == 0 {
		return made, nil
	}
	first := d.route.First
	t.payloads = t.payloads[:0]
	for _, c := range d.calls[:first] {
		t.payloads = append(t.payloads, c.made...)
	}
	t.payloads = append(t.payloads, made...)
	for _, c := range d.calls[first:] {
		t.payloads = append(t.payloads, c.made...)
	}
	return t.payloads, nil
}

// state makes the events that state the payloads, behind those of the turn.
func (t *turn) state(d *decision, payloads []any) error {
	before := len(t.events)
	made, err := t.p.registry.Events(t.events, d.cmd, payloads, t.now)
	events := made[before:len(made):len(made)]
	if err == nil && t.p.encoder != nil {
		err = caught(func() error { return t.p.encoder.EncodePayloads(events) })
	}
	if err != nil {
		clear(events)
		return err
	}
	d.events, d.all = events, made
	return nil
}
