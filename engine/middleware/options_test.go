package middleware_test

import (
	"context"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
)

// every is one of each, outermost first.
func every() []engine.Middleware {
	return []engine.Middleware{
		middleware.Log(zap.NewNop(), middleware.LogOptions{}),
		middleware.Trace(func(ctx context.Context, _ engine.Call) (context.Context, func(error)) { return ctx, func(error) {} }),
		middleware.Validate(),
		middleware.Retry(middleware.RetryOptions{}),
		middleware.Breaker(middleware.BreakerOptions{}),
		middleware.RateLimit(1000, middleware.RateOptions{}),
		middleware.Concurrency(1, middleware.ConcurrencyOptions{Wait: -1}),
		middleware.Timeout(time.Minute),
	}
}

// The names say what stands in a drawing.
func TestNames(t *testing.T) {
	var names []string
	for _, m := range every() {
		require.NoError(t, m.Err)
		names = append(names, m.Name)
	}
	require.Equal(t, []string{
		"log", "trace", "validate", "retry 3", "breaker 5", "rate limit 1000/s", "concurrency 1", "timeout 1m0s",
	}, names)
}

// All faults of all middleware are reported at once, where it is used.
func TestFaults(t *testing.T) {
	for want, m := range map[string]engine.Middleware{
		`"timeout 0s": the time is 0s: give a positive duration`:                       middleware.Timeout(0),
		`"timeout -1s": the time is -1s: give a positive duration`:                     middleware.Timeout(-time.Second),
		`"log": the logger is nil`:                                                     middleware.Log(nil, middleware.LogOptions{}),
		`"log": the logger is nil; Slow is 48h0m0s: give 0s to 24h0m0s`:                middleware.Log(nil, middleware.LogOptions{Slow: 48 * time.Hour}),
		`"trace": the function is nil`:                                                 middleware.Trace(nil),
		`"rate limit 1/s": the rate is 0 a second: give more than 0 and at most 1e9`:   middleware.RateLimit(0, middleware.RateOptions{}),
		`"rate limit 1/s": the rate is NaN a second: give more than 0 and at most 1e9`: middleware.RateLimit(math.NaN(), middleware.RateOptions{}),
		`"rate limit 1/s": the rate is +Inf a second: give more than 0 and at most 1e9; ` +
			`Burst is -1: give 1 to 1000000; Wait is 25h0m0s: give 0s to 24h0m0s`: middleware.RateLimit(math.Inf(1), middleware.RateOptions{
			Burst: -1, Wait: 25 * time.Hour,
		}),
		`"concurrency 1": the number is -3: give 1 to 1000000; Wait is 25h0m0s: give 0s to 24h0m0s`: middleware.Concurrency(-3,
			middleware.ConcurrencyOptions{Wait: 25 * time.Hour}),
		`"retry -1": Attempts is -1: give 1 to 1000; First is -1ns: give 1ns to 1h0m0s; Most is 2h0m0s: give 1ns to 1h0m0s; ` +
			`Total is 48h0m0s: give 1ns to 24h0m0s`: middleware.Retry(middleware.RetryOptions{
			Attempts: -1, First: -1, Most: 2 * time.Hour, Total: 48 * time.Hour,
		}),
		`"breaker -1": Failures is -1: give 1 to 1000000; Open is -1ns: give 1ns to 24h0m0s; Trials is 2000000: give 1 to 1000000`: middleware.Breaker(
			middleware.BreakerOptions{Failures: -1, Open: -1, Trials: 2_000_000}),
	} {
		r := engine.NewRegistry()
		r.Use(m, middleware.Timeout(-1))
		require.EqualError(t, r.Seal(), "engine: middleware "+want+
			`; engine: middleware "timeout -1ns": the time is -1ns: give a positive duration`)
		bus := engine.NewAsyncBus(engine.BusOptions{Use: one(m)})
		require.EqualError(t, bus.Subscribe("a", "h", func(context.Context, *engine.Message) error { return nil }),
			"engine: middleware "+want)
	}
}

// A handler that panics or ends its goroutine leaves nothing taken in any of them, nor does one that fails.
func TestNothingIsLeftTaken(t *testing.T) {
	s := &switched{}
	th := newThermometer(t, every(), s.handle)
	for range 50 {
		for _, give := range []func() error{
			gives(nil), func() error { panic("boom") }, gives(nil), func() error { runtime.Goexit(); return nil }, gives(engine.Reject("no")),
		} {
			s.give = give
			var wg sync.WaitGroup
			wg.Go(func() { _ = th.call(t.Context(), 0) })
			wg.Wait()
		}
	}
	require.Equal(t, 250, s.calls, "the one place was free each time, and the circuit closed")
	s.give = gives(nil)
	require.NoError(t, th.call(t.Context(), 0))
}
