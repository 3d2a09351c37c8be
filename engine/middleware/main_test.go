package middleware_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
)

// No test of this package may leave a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The tests share one command, whose handlers do what a test says.
type (
	measure  struct{ Celsius int }
	measured struct{ Celsius int }
)

var errDown = errors.New("the sensor is down")

// down is a failure that may pass.
var down = engine.Temporary(errDown)

// handle is what a handler does; its events do not matter.
type handle func(ctx context.Context) error

// thermometer has a handler for each function, called "0" and so on, with middleware around.
type thermometer struct {
	t        testing.TB
	handlers []engine.Handler
}

func newThermometer(t testing.TB, chain []engine.Middleware, does ...handle) *thermometer {
	t.Helper()
	r := engine.NewRegistry()
	r.Use(chain...)
	engine.RegisterEvent[measured](r, "sensor.measured")
	for i, do := range does {
		engine.OnCommand(r, "sensor.measure", string(rune('0'+i)),
			func(ctx context.Context, _ *engine.Command, m measure) ([]any, error) {
				if err := do(ctx); err != nil {
					return nil, err
				}
				return []any{measured(m)}, nil
			})
	}
	require.NoError(t, r.Seal())
	route, err := r.Route(engine.NewCommand("sensor-1", measure{}))
	require.NoError(t, err)
	return &thermometer{t: t, handlers: route.Handlers}
}

// call calls a handler and gives its error. A call without an error has its event.
func (th *thermometer) call(ctx context.Context, handler int) error {
	th.t.Helper()
	cmd := engine.NewCommand("sensor-1", measure{Celsius: 7})
	return th.handle(ctx, handler, cmd)
}

func (th *thermometer) handle(ctx context.Context, handler int, cmd *engine.Command) error {
	th.t.Helper()
	events, err := th.handlers[handler].Call(ctx, cmd, cmd.Data)
	if err == nil {
		require.Equal(th.t, []any{measured{Celsius: 7}}, events)
	}
	return err
}

// one is a chain of one.
func one(m engine.Middleware) []engine.Middleware { return []engine.Middleware{m} }

// sleep waits as a good handler does: until its context ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ignore waits as a bad handler does.
func ignore(d time.Duration) handle {
	return func(context.Context) error {
		time.Sleep(d)
		return nil
	}
}
