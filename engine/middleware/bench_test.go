package middleware_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
)

// One operation is one call of a handler that does nothing, on the way on which everything goes well. Compare the cases of
// one run: the chain of five against none and one, and each middleware by itself.
func BenchmarkChain(b *testing.B) {
	pass := engine.Middleware{Name: "pass", Wrap: func(next engine.Next) engine.Next {
		return func(ctx context.Context, call engine.Call) ([]any, error) { return next(ctx, call) }
	}}
	none := func(ctx context.Context, _ engine.Call) (context.Context, func(error)) { return ctx, nil }
	logs, trace := middleware.Log(zap.NewNop(), middleware.LogOptions{}), middleware.Trace(none)
	retry, validate := middleware.Retry(middleware.RetryOptions{}), middleware.Validate()
	breaker := middleware.Breaker(middleware.BreakerOptions{})
	for _, c := range []struct {
		name  string
		chain []engine.Middleware
	}{
		{"none", nil},
		{"one that passes on", []engine.Middleware{pass}},
		{"five that pass on", []engine.Middleware{pass, pass, pass, pass, pass}},
		{"retry", []engine.Middleware{retry}},
		{"validate", []engine.Middleware{validate}},
		{"log", []engine.Middleware{logs}},
		{"trace", []engine.Middleware{trace}},
		{"rate limit", []engine.Middleware{middleware.RateLimit(1e9, middleware.RateOptions{})}},
		{"concurrency", []engine.Middleware{middleware.Concurrency(8, middleware.ConcurrencyOptions{})}},
		{"breaker", []engine.Middleware{breaker}},
		{"timeout", []engine.Middleware{middleware.Timeout(time.Minute)}},
		{"five: log trace validate retry breaker", []engine.Middleware{logs, trace, validate, retry, breaker}},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := engine.NewRegistry()
			r.Use(c.chain...)
			engine.OnCommand(r, "sensor.measure", "idle", func(context.Context, *engine.Command, measure) ([]any, error) {
				return nil, nil
			})
			if err := r.Seal(); err != nil {
				b.Fatal(err)
			}
			cmd := engine.NewCommand("sensor-1", measure{})
			route, err := r.Route(cmd)
			if err != nil {
				b.Fatal(err)
			}
			handler, ctx := &route.Handlers[0], b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := handler.Call(ctx, cmd, cmd.Data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
