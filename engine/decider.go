package engine

import (
	"context"
	"fmt"
)

// An Aggregate is the state of one aggregate, folded from its events: what a decider decides on. It is used by one
// goroutine at a time.
type Aggregate interface {
	// Decide gives the payloads of the events that the command causes in the present state. The state is not changed.
	Decide(ctx context.Context, typ string, cmd *Command, data any) ([]any, error)
	// Evolve folds one event into the state. The caller makes a new Aggregate after an error.
	Evolve(typ string, data any) error
}

// A Decider decides the commands of one kind of aggregate from the aggregate's state S:
//
//	decide(ctx, state, command) -> events, and evolve(state, event) -> state
//
// are pure functions, registered with [Decide] and [Evolve]. A decider sees every earlier event of its aggregate: its
// commands run one after another, in ticket sequence. They should not wait; code that waits belongs in a handler.
type Decider[S any] struct {
	registry *Registry
	name     string
	initial  func() S
	decide   named[func(ctx context.Context, f *folded[S], cmd *Command, data any) ([]any, error)]
	evolve   named[func(state S, data any) (S, error)]
}

// NewDecider makes a decider; initial gives the state of an empty stream. Name stands for it in errors.
func NewDecider[S any](r *Registry, name string, initial func() S) *Decider[S] {
	if err := CheckName("decider name", name); err != nil {
		r.errs = append(r.errs, err)
	}
	if initial == nil {
		r.fail("decider %q has no initial state", name)
	}
	return &Decider[S]{registry: r, name: name, initial: initial}
}

// Decide registers the command type C under its wire name, and the function that decides it. An error made by [Reject]
// refuses the command.
func Decide[S, C any](
	d *Decider[S], typ string, decide func(ctx context.Context, state S, cmd C) ([]any, error),
) Registration {
	t := register[C](d.registry, commandKind, typ)
	if decide == nil {
		d.registry.fail("command %q: decider %q has a nil function", typ, d.name)
	}
	entry := t.enter(d.name, true)
	if t.route.NewAggregate != nil {
		d.registry.fail("command %q has two deciders", typ)
		return entry
	}
	t.route.NewAggregate, t.route.Decider, t.route.First = d.newAggregate, d.name, len(t.route.Handlers)
	t.wrapDecider = func(chain []Middleware) error { return d.wrap(typ, chain) }
	d.decide.set(typ, func(ctx context.Context, f *folded[S], _ *Command, data any) ([]any, error) {
		typed, ok := data.(C)
		if !ok {
			return nil, &PayloadError{Want: goType[C]().String(), Got: data}
		}
		return decide(ctx, f.state, typed)
	})
	return entry
}

// Evolve registers the event type E under its wire name and what it does to the state.
func Evolve[S, E any](d *Decider[S], typ string, evolve func(state S, event E) S) {
	t := register[E](d.registry, eventKind, typ)
	t.evolvedBy = append(t.evolvedBy, d.name)
	if evolve == nil {
		d.registry.fail("event %q: decider %q has a nil function", typ, d.name)
	}
	if _, there := d.evolve.get(typ); there {
		d.registry.fail("decider %q evolves event %q twice", d.name, typ)
	}
	d.evolve.set(typ, func(state S, data any) (S, error) {
		typed, ok := data.(E)
		if !ok {
			return state, &PayloadError{Want: goType[E]().String(), Got: data}
		}
		return evolve(state, typed), nil
	})
}

func (d *Decider[S]) newAggregate() Aggregate { return &folded[S]{decider: d, state: d.initial()} }

// folded is an Aggregate with a state of type S.
type folded[S any] struct {
	decider *Decider[S]
	state   S
}

func (f *folded[S]) Decide(ctx context.Context, typ string, cmd *Command, data any) (events []any, err error) {
	decide, ok := f.decider.decide.get(typ)
	if !ok {
		return nil, fmt.Errorf("engine: decider %q does not decide %q of the aggregate %q: another decider's events are its own",
			f.decider.name, typ, cmd.Subject)
	}
	defer func() {
		if v := recover(); v != nil || err != nil {
			events, err = nil, failure(err, v, typ, cmd.ID, f.decider.name)
		}
	}()
	return decide(ctx, f, cmd, data)
}

// Evolve passes over events that the decider does not evolve: they belong to the stream, not to the state.
func (f *folded[S]) Evolve(typ string, data any) (err error) {
	evolve, ok := f.decider.evolve.get(typ)
	if !ok {
		return nil
	}
	defer func() {
		if v := recover(); v != nil || err != nil {
			err = failure(err, v, typ, ID{}, f.decider.name)
		}
	}()
	f.state, err = evolve(f.state, data)
	return err
}
