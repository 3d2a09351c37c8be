package pipeline

import "github.com/orchestrix-go/orchestrix/engine"

// folding is a state while it is made from its stream. The loop over the stream is a function of its own, and each variable
// of fold's that it changed would be moved to the heap: so they stand together, and serve again. Only when the loop has ended
// as it should, for until then the store may go on with it.
type folding struct {
	aggregate engine.Aggregate
	version   engine.Version // of the last event that is in it
	err       error
	ended     bool // the loop has
}

// fold makes the state of the lane from the stream of the aggregate.
func (t *turn) fold(task *task) error {
	p, route, id, ctx, f := t.p, task.route, t.lane.id, t.guard.context(), t.folding
	if t.folding = nil; f == nil {
		f = new(folding)
	}
	t.enter(task, 0)
	err := caught(func() error {
		f.aggregate = route.NewAggregate()
		for event, err := range p.store.Load(ctx, id, 1) {
			if err == nil {
				err = f.evolve(p.registry, &event)
			}
			if f.err = err; err != nil {
				break
			}
		}
		f.ended = true
		return f.err
	})
	if late := t.leave(); late != nil {
		err = lateError(route.Type, task.cmd.ID, route.Decider, late, err)
	}
	t.lane.aggregate, t.lane.version = f.aggregate, f.version
	if f.ended {
		*f = folding{}
		t.folding = f
	}
	return err
}

// evolve folds one event more.
func (f *folding) evolve(registry *engine.Registry, event *engine.Event) error {
	data, err := registry.Decode(&event.Message)
	if err != nil {
		return err
	}
	if err := f.aggregate.Evolve(event.Type, data); err != nil {
		return err
	}
	f.version = event.Version
	return nil
}
