package middleware_test

import (
	"context"
	"io"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
)

func TestTrace(t *testing.T) {
	type key struct{}
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	gone := "middleware: the handler panicked or ended its goroutine"
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"succeeds": {gives(nil), ""},
		"fails":    {gives(io.EOF), "EOF"},
		"panics":   {func() error { panic("boom") }, gone},
		"exits":    {func() error { runtime.Goexit(); return nil }, gone},
	} {
		t.Run(name, func(t *testing.T) {
			ended := 0
			trace := middleware.Trace(func(ctx context.Context, call engine.Call) (context.Context, func(error)) {
				require.Equal(t, parent, call.Message.TraceParent)
				return context.WithValue(ctx, key{}, call.Handler), func(err error) {
					ended++
					if c.want == "" {
						require.NoError(t, err)
						return
					}
					require.EqualError(t, err, c.want)
				}
			})
			th := newThermometer(t, one(trace), func(ctx context.Context) error {
				require.Equal(t, "0", ctx.Value(key{}), "the handler is inside of the span")
				return c.do()
			})
			cmd := engine.NewCommand("sensor-1", measure{Celsius: 7})
			cmd.TraceParent = parent
			var wg sync.WaitGroup
			wg.Go(func() { _ = th.handle(t.Context(), 0, cmd) })
			wg.Wait()
			require.Equal(t, 1, ended)
		})
	}
}

// A tracer that passes over a call gives nothing.
func TestTraceNothing(t *testing.T) {
	th := newThermometer(t, one(middleware.Trace(func(context.Context, engine.Call) (context.Context, func(error)) {
		return nil, nil
	})), func(ctx context.Context) error { return ctx.Err() })
	require.NoError(t, th.call(t.Context(), 0))
}
