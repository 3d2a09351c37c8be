package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
)

// failing fails as often as there are errors, and then succeeds. It notes when it was called.
func failing(at *[]time.Duration, errs ...error) handle {
	began := time.Now()
	return func(context.Context) error {
		*at = append(*at, time.Since(began))
		if n := len(*at); n <= len(errs) {
			return errs[n-1]
		}
		return nil
	}
}

func TestRetry(t *testing.T) {
	for name, c := range map[string]struct {
		fails []error
		calls int
		err   error
		says  string
	}{
		"succeeds at once":         {calls: 1},
		"succeeds the second time": {fails: []error{down}, calls: 2},
		"succeeds the last time":   {fails: []error{down, engine.ErrConflict, down}, calls: 4},
		"fails every time":         {[]error{down, down, down, down, down}, 4, errDown, "middleware: 4 attempts: the sensor is down"},
		"is not worth it":          {[]error{io.EOF}, 1, io.EOF, "EOF"},
		"is not worth it any more": {[]error{down, io.EOF, down}, 2, io.EOF, "EOF"},
		"is not worth the last":    {[]error{down, down, down, io.EOF}, 4, io.EOF, "EOF"},
		"is refused":               {[]error{engine.Reject("no")}, 1, engine.ErrRejected, "rejected: no"},
		"is refused later":         {[]error{down, engine.Reject("no")}, 2, engine.ErrRejected, "rejected: no"},
		"has marks of the library": {[]error{engine.Temporary(backoff.Permanent(io.EOF)), engine.Temporary(backoff.RetryAfter(3600))}, 3, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var at []time.Duration
				th := newThermometer(t, one(middleware.Retry(middleware.RetryOptions{Attempts: 4})), failing(&at, c.fails...))
				err := th.call(t.Context(), 0)
				require.Len(t, at, c.calls)
				if c.err == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, c.err)
				require.EqualError(t, errors.Unwrap(err), c.says)
			})
		})
	}
}

// The waits are drawn between nothing and the longest, which doubles up to the most; the same seed gives the same.
func TestRetryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := middleware.RetryOptions{Attempts: 12, First: 100 * time.Millisecond, Most: 3 * time.Second, Total: time.Hour}
		cmd := engine.NewCommand("sensor-1", measure{Celsius: 7})
		waits := func(seed uint64) []time.Duration {
			var at []time.Duration
			o := o
			o.Seed = seed
			th := newThermometer(t, one(middleware.Retry(o)), failing(&at, down, down, down, down, down, down, down, down, down, down, down))
			require.NoError(t, th.handle(t.Context(), 0, cmd))
			var waits []time.Duration
			for i := 1; i < len(at); i++ {
				waits = append(waits, at[i]-at[i-1])
			}
			return waits
		}
		require.Equal(t, waits(1), waits(1))
		require.NotEqual(t, waits(1), waits(2))

		const seeds = 400
		sums := make([]time.Duration, 11)
		for seed := range uint64(seeds) {
			for i, wait := range waits(seed) {
				require.LessOrEqual(t, wait, longest(i), "seed %d, wait %d", seed, i)
				sums[i] += wait
			}
		}
		for i, sum := range sums { // 400 draws of an even spread are within 15 % of its middle, five times over
			require.InEpsilon(t, float64(longest(i))/2, float64(sum)/seeds, 0.15, "wait %d", i)
		}
	})
}

func longest(i int) time.Duration { return min(100*time.Millisecond<<i, 3*time.Second) }

// Two messages that failed together do not come back together, and nor do two handlers of one message.
func TestRetryWaitsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 50 {
			cmd := engine.NewCommand("sensor-1", measure{Celsius: 7})
			for handler := range 2 {
				var at []time.Duration
				fails := failing(&at, down)
				th := newThermometer(t, one(middleware.Retry(middleware.RetryOptions{})), fails, fails)
				require.NoError(t, th.handle(t.Context(), handler, cmd))
				seen[at[1]-at[0]] = true
			}
		}
		require.Greater(t, len(seen), 95)
	})
}

func TestRetryStopsAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		calls := 0
		th := newThermometer(t, one(middleware.Retry(middleware.RetryOptions{
			Attempts: 1000, First: time.Second, Most: time.Second, Total: time.Minute,
		})), func(context.Context) error { calls++; return down })
		err := th.call(t.Context(), 0)
		require.LessOrEqual(t, time.Since(began), time.Minute)
		require.Greater(t, time.Since(began), time.Minute-time.Second, "the wait that was too long is at most a second")
		require.ErrorContains(t, err, fmt.Sprintf("middleware: %d attempts: the sensor is down", calls))
		require.True(t, engine.Retryable(err), "it keeps its class")
	})
}

func TestRetryStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Minute, func() { cancel(io.ErrClosedPipe) })
		calls := 0
		th := newThermometer(t, one(middleware.Retry(middleware.RetryOptions{
			Attempts: 1000, First: time.Hour, Most: time.Hour, Total: 24 * time.Hour, Seed: 7,
		})), func(context.Context) error { calls++; return down })
		err := th.call(ctx, 0)
		require.Equal(t, 10*time.Minute, time.Since(began), "it does not sleep on")
		require.ErrorIs(t, err, io.ErrClosedPipe)
		require.ErrorIs(t, err, errDown)
		require.ErrorContains(t, err, fmt.Sprintf("stopped after %d attempts", calls))

		before := calls
		require.ErrorIs(t, th.call(ctx, 0), errDown)
		require.Equal(t, before+1, calls, "a context that ended already leaves the one attempt")
	})
}

func TestRetryClassify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		th := newThermometer(t, one(middleware.Retry(middleware.RetryOptions{
			Classify: func(err error) bool { return errors.Is(err, io.EOF) },
		})), failing(&at, io.EOF, io.EOF))
		require.NoError(t, th.call(t.Context(), 0))
		require.Len(t, at, 3)
		at = nil
		require.ErrorIs(t, newThermometer(t, one(middleware.Retry(middleware.RetryOptions{
			Classify: func(error) bool { return false },
		})), failing(&at, down)).call(t.Context(), 0), errDown)
		require.Len(t, at, 1)
	})
}
