package engine

import (
	"context"
	"runtime/debug"
	"time"
)

// A Handler is a function for one type of command, under a name. Its events are appended with those of the command's
// other handlers, in registration sequence, as one atomic append.
type Handler struct {
	Name string
	typ  string // wire name of the command
	call func(ctx context.Context, cmd *Command, data any) ([]any, error)
}

// OnCommand registers a stateless handler for the command type C under its wire name. It returns the payloads of the
// events to append; it may return none. All handlers of a command run at once, and those of different commands of one
// aggregate may overlap: the append restores the sequence of arrival. An error fails the command; one made by [Reject]
// refuses it.
func OnCommand[C any](
	r *Registry, typ, handler string, handle func(ctx context.Context, cmd *Command, data C) ([]any, error),
) Registration {
	t := register[C](r, commandKind, typ)
	if err := CheckName("handler name", handler); err != nil {
		r.errs = append(r.errs, err)
	}
	if handle == nil {
		r.fail("command %q: handler %q is nil", typ, handler)
	}
	for _, there := range t.route.Handlers {
		if there.Name == handler {
			r.fail("command %q has two handlers called %q", typ, handler)
		}
	}
	t.route.Handlers = append(t.route.Handlers, Handler{
		Name: handler,
		typ:  typ,
		call: func(ctx context.Context, cmd *Command, data any) ([]any, error) {
			typed, ok := data.(C)
			if !ok {
				return nil, &PayloadError{Want: goType[C]().String(), Got: data}
			}
			return handle(ctx, cmd, typed)
		},
	})
	return t.enter(handler, false)
}

// Call runs the handler and gives the payloads of its events. An error is a *HandlerError around the cause; a panic is
// one around a *PanicError.
func (h *Handler) Call(ctx context.Context, cmd *Command, data any) (events []any, err error) {
	defer func() {
		if v := recover(); v != nil || err != nil {
			events, err = nil, failure(err, v, h.typ, cmd.ID, h.Name)
		}
	}()
	return h.call(ctx, cmd, data)
}

// Events appends to dst the events that cmd caused, one for each payload. A payload whose type is not registered is an
// error.
func (r *Registry) Events(dst []Event, cmd *Command, payloads []any, now time.Time) ([]Event, error) {
	for _, data := range payloads {
		typ, err := r.typeOf(data)
		if err != nil {
			return dst, err
		}
		dst = append(dst, Event{})
		dst[len(dst)-1].state(cmd, typ, data, now)
	}
	return dst, nil
}

// failure is what a function of the user's came to that returned an error or panicked with a value: a *HandlerError that
// names where it came from.
func failure(err error, panicked any, typ string, id ID, handler string) error {
	if panicked != nil {
		err = &PanicError{Value: panicked, Stack: debug.Stack()}
	}
	return &HandlerError{Type: typ, ID: id, Handler: handler, Err: err}
}
