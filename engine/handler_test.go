package engine_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// handlers registers handlers of deposit and gives the route to them.
func handlers(t *testing.T, register func(r *engine.Registry)) *engine.Route {
	t.Helper()
	r := engine.NewRegistry()
	register(r)
	require.NoError(t, r.Seal())
	route, err := r.Route(engine.NewCommand("purse-1", deposit{}))
	require.NoError(t, err)
	return route
}

// Whatever runs first, the events of a command are joined in the sequence in which its handlers were registered.
func TestHandlersGiveEventsInRegistrationSequence(t *testing.T) {
	route := handlers(t, func(r *engine.Registry) {
		for i, name := range []string{"zebra", "ant", "mole"} { // neither sorted nor in the sequence of a map
			engine.OnCommand(r, "purse.deposit", name, func(_ context.Context, _ *engine.Command, c deposit) ([]any, error) {
				return []any{deposited{c.Cents + i}, withdrawn{i}}, nil
			})
		}
	})
	cmd := engine.NewCommand("purse-1", deposit{10})
	var joined []any
	for _, h := range route.Handlers {
		events, err := h.Call(t.Context(), cmd, cmd.Data)
		require.NoError(t, err)
		joined = append(joined, events...)
	}
	require.Equal(t, []string{"zebra", "ant", "mole"}, names(route))
	require.Equal(t, []any{
		deposited{10}, withdrawn{0}, deposited{11}, withdrawn{1}, deposited{12}, withdrawn{2},
	}, joined)
}

func TestHandlerSeesContextCommandAndPayload(t *testing.T) {
	type key struct{}
	var (
		gotContext any
		gotCommand *engine.Command
		gotData    deposit
	)
	route := handlers(t, func(r *engine.Registry) {
		engine.OnCommand(r, "purse.deposit", "h", func(ctx context.Context, cmd *engine.Command, c deposit) ([]any, error) {
			gotContext, gotCommand, gotData = ctx.Value(key{}), cmd, c
			return nil, nil
		})
	})
	cmd := engine.NewCommand("purse-1", engine.Raw(`{"Cents":5}`))
	events, err := route.Handlers[0].Call(context.WithValue(t.Context(), key{}, "value"), cmd, deposit{5})
	require.NoError(t, err)
	require.Empty(t, events)
	require.Equal(t, "value", gotContext)
	require.Same(t, cmd, gotCommand)
	require.Equal(t, deposit{5}, gotData, "the decoded payload, while the command still holds it encoded")
}

func TestHandlerErrorsAreNamed(t *testing.T) {
	route := handlers(t, func(r *engine.Registry) {
		engine.OnCommand(r, "purse.deposit", "bank", func(context.Context, *engine.Command, deposit) ([]any, error) {
			return []any{deposited{1}}, io.ErrUnexpectedEOF
		})
		engine.OnCommand(r, "purse.deposit", "rules", func(context.Context, *engine.Command, deposit) ([]any, error) {
			return nil, engine.Reject("too much")
		})
	})
	cmd := engine.NewCommand("purse-1", deposit{})
	cmd.Type, cmd.ID = "purse.deposit", id(t, 1)
	events, err := route.Handlers[0].Call(t.Context(), cmd, cmd.Data)
	require.Empty(t, events, "a handler that failed has no events")
	require.Equal(t, &engine.HandlerError{
		Type: "purse.deposit", ID: id(t, 1), Handler: "bank", Err: io.ErrUnexpectedEOF,
	}, err)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	_, err = route.Handlers[1].Call(t.Context(), cmd, cmd.Data)
	require.ErrorIs(t, err, engine.ErrRejected, "a refusal is still found under the handler's name")
	require.EqualError(t, err,
		`engine: handler "rules" failed on purse.deposit 00000000-0000-7000-8000-000000000001: rejected: too much`)
}

// A panic is one failed message, with the stack of the place where it happened.
func TestHandlerPanicsBecomeErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any // what to panic with; nil makes the runtime panic
		want  string
	}{
		{"text", "oh no", "panic: oh no"},
		{"error", io.EOF, "panic: EOF"},
		{"runtime", nil, "panic: runtime error: index out of range [0] with length 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			route := handlers(t, func(r *engine.Registry) {
				engine.OnCommand(r, "purse.deposit", "wild", func(context.Context, *engine.Command, deposit) ([]any, error) {
					return panicWith(c.value), nil
				})
			})
			cmd := engine.NewCommand("purse-1", deposit{})
			events, err := route.Handlers[0].Call(t.Context(), cmd, cmd.Data)
			require.Empty(t, events)
			var named *engine.HandlerError
			require.ErrorAs(t, err, &named)
			require.Equal(t, "wild", named.Handler)
			var panicked *engine.PanicError
			require.ErrorAs(t, err, &panicked)
			require.EqualError(t, panicked, c.want)
			require.Contains(t, string(panicked.Stack), "engine_test.panicWith", "the stack tells where")
			if cause, ok := c.value.(error); ok {
				require.ErrorIs(t, err, cause)
			}
		})
	}
}

func panicWith(value any) []any {
	if value == nil {
		none := []any{}
		value = none[len(none)]
	}
	panic(value)
}

func TestHandlerWrongPayload(t *testing.T) {
	route := handlers(t, func(r *engine.Registry) { engine.OnCommand(r, "purse.deposit", "h", idle[deposit]) })
	cmd := engine.NewCommand("purse-1", withdraw{})
	for _, data := range []any{withdraw{}, &deposit{}, engine.Raw(`{}`), nil} {
		_, err := route.Handlers[0].Call(t.Context(), cmd, data)
		var payload *engine.PayloadError
		require.ErrorAs(t, err, &payload)
		require.Equal(t, &engine.PayloadError{Want: "engine_test.deposit", Got: data}, payload)
	}
}
