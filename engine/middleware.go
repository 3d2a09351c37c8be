package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
)

// A Call is one call of a command handler, of a decider, or of a handler of a bus, as middleware sees it.
type Call struct {
	Type    string   // wire name of the message
	Handler string   // name of the handler or the decider
	Message *Message // of a command its Data may be Raw
	Data    any      // the payload, decoded
	inside  any      // what the innermost Next needs besides
}

// Next is what a middleware goes on to: the next middleware, or what all of them are around. It gives the payloads of
// events, of which a bus knows none. The call is handed on as it was got.
type Next func(ctx context.Context, call Call) ([]any, error)

// A Middleware is code around handlers: it may act before and after, call next again, or not at all. A panic in it costs
// the message that was handled, as a panic of the handler does. Package engine/middleware has the usual ones.
type Middleware struct {
	Name string // what it is called in errors and drawings
	// Wrap is called once for each handler, each decider of a command and each subscription, before the first message. What
	// it makes is that handler's own; what is made outside of it is shared by all that the middleware is around.
	Wrap func(next Next) Next
	// Err is what is wrong with the options that the middleware was made with. Who uses it reports it.
	Err error
}

// around puts a chain of middleware around a function, the first outermost.
func around(chain []Middleware, next Next) (wrapped Next, err error) {
	for _, m := range slices.Backward(chain) {
		if next, err = m.wrap(next); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func (m Middleware) wrap(next Next) (wrapped Next, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("engine: middleware %q: %w", m.Name, &PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	if wrapped = m.Wrap(next); wrapped == nil {
		return nil, fmt.Errorf("engine: middleware %q wraps nothing around a handler", m.Name)
	}
	return wrapped, nil
}

// checkMiddleware gives everything that is wrong with what is about to be used.
func checkMiddleware(chain []Middleware) (faults []error) {
	for _, m := range chain {
		if err := CheckName("middleware name", m.Name); err != nil {
			faults = append(faults, err)
		}
		switch {
		case m.Err != nil:
			faults = append(faults, fmt.Errorf("engine: middleware %q: %w", m.Name, m.Err))
		case m.Wrap == nil:
			faults = append(faults, fmt.Errorf("engine: middleware %q has no Wrap", m.Name))
		}
	}
	return faults
}

// Use puts middleware around all handlers and deciders of the registry, whenever they are registered. The first is the
// outermost: it runs first, and ends last.
func (r *Registry) Use(middleware ...Middleware) {
	if r.mayUse(middleware) {
		r.around = append(r.around, middleware...)
	}
}

// UseFor puts middleware around the handlers and the decider of one command type, inside of that of Use.
func (r *Registry) UseFor(command string, middleware ...Middleware) {
	if r.mayUse(middleware) {
		r.aroundType[command] = append(r.aroundType[command], middleware...)
	}
}

func (r *Registry) mayUse(middleware []Middleware) bool {
	if r.sealed.Load() {
		r.fail("middleware used after the registry was sealed by a pipeline")
		return false
	}
	faults := checkMiddleware(middleware)
	r.errs = append(r.errs, faults...)
	return len(faults) == 0
}

// chain is the middleware around a command's handlers, outermost first.
func (r *Registry) chain(command string) []Middleware {
	return slices.Concat(r.around, r.aroundType[command])
}

// wrapAll puts the middleware around everything, once: a registry without any has the same functions after as before.
func (r *Registry) wrapAll() {
	for _, t := range r.listed {
		chain := r.chain(t.name)
		if t.kind != commandKind || len(chain) == 0 {
			continue
		}
		for i := range t.route.Handlers {
			r.failed(t.route.Handlers[i].wrap(chain))
		}
		if t.wrapDecider != nil {
			r.failed(t.wrapDecider(chain))
		}
	}
}

func (r *Registry) failed(err error) {
	if err != nil {
		r.errs = append(r.errs, err)
	}
}

func (h *Handler) wrap(chain []Middleware) error {
	call, typ, name := h.call, h.typ, h.Name
	next, err := around(chain, func(ctx context.Context, c Call) ([]any, error) {
		return call(ctx, c.inside.(*Command), c.Data)
	})
	if err != nil {
		return err
	}
	h.call = func(ctx context.Context, cmd *Command, data any) ([]any, error) {
		return next(ctx, Call{Type: typ, Handler: name, Message: &cmd.Message, Data: data, inside: cmd})
	}
	return nil
}

// wrap puts middleware around what decides one command type.
func (d *Decider[S]) wrap(typ string, chain []Middleware) error {
	decide, _ := d.decide.get(typ)
	next, err := around(chain, func(ctx context.Context, c Call) ([]any, error) {
		return decide(ctx, c.inside.(*folded[S]), nil, c.Data)
	})
	if err != nil {
		return err
	}
	d.decide.set(typ, func(ctx context.Context, f *folded[S], cmd *Command, data any) ([]any, error) {
		return next(ctx, Call{Type: typ, Handler: d.name, Message: &cmd.Message, Data: data, inside: f})
	})
	return nil
}
