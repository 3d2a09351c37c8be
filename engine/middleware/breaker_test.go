package middleware_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
)

// switched is a handler that gives whatever a test has set.
type switched struct {
	give  func() error
	calls int
}

func (s *switched) handle(context.Context) error {
	s.calls++
	return s.give()
}

func gives(err error) func() error { return func() error { return err } }

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &switched{give: gives(errDown)}
		other := &switched{give: gives(nil)}
		th := newThermometer(t, one(middleware.Breaker(middleware.BreakerOptions{
			Failures: 3, Open: time.Minute, Trials: 2,
		})), s.handle, other.handle)
		call := func() error { return th.call(t.Context(), 0) }

		require.ErrorIs(t, call(), errDown)
		require.ErrorIs(t, call(), errDown)
		s.give = gives(nil)
		require.NoError(t, call(), "a success in between")
		s.give = gives(errDown)
		for range 3 {
			require.ErrorIs(t, call(), errDown)
		}
		require.Equal(t, 6, s.calls)
		for range 10 { // open
			err := call()
			require.ErrorIs(t, err, middleware.ErrOpen)
			require.EqualError(t, errors.Unwrap(err),
				`middleware: the circuit is open: handler "0": it rests after failures, the last of which was: the sensor is down`)
			require.NotErrorIs(t, err, errDown, "it is not what failed now")
			require.True(t, engine.Retryable(err))
		}
		require.Equal(t, 6, s.calls)
		require.NoError(t, th.call(t.Context(), 1), "the other handler has a circuit of its own")

		time.Sleep(time.Minute + 1) // half open
		require.ErrorIs(t, call(), errDown)
		require.Equal(t, 7, s.calls)
		require.ErrorIs(t, call(), middleware.ErrOpen, "the trial failed")

		time.Sleep(time.Minute + 1)
		s.give = gives(nil)
		require.NoError(t, call())
		require.NoError(t, call())
		s.give = gives(errDown) // closed: it takes three again
		for range 3 {
			require.ErrorIs(t, call(), errDown)
		}
		require.ErrorIs(t, call(), middleware.ErrOpen)
	})
}

// Only as many trials as agreed run at once; the others are refused and do not wait.
func TestBreakerTrials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &switched{give: gives(errDown)}
		th := newThermometer(t, one(middleware.Breaker(middleware.BreakerOptions{Failures: 1})), s.handle)
		require.ErrorIs(t, th.call(t.Context(), 0), errDown)
		time.Sleep(10*time.Second + 1)
		s.give = func() error {
			time.Sleep(time.Hour)
			return nil
		}
		var wg sync.WaitGroup
		var trial error
		wg.Go(func() { trial = th.call(t.Context(), 0) })
		synctest.Wait()
		err := th.call(t.Context(), 0)
		require.ErrorIs(t, err, middleware.ErrOpen)
		require.ErrorContains(t, err, "it is being tried again")
		wg.Wait()
		require.NoError(t, trial)
		s.give = gives(nil)
		require.NoError(t, th.call(t.Context(), 0))
	})
}

// What is no failure of the dependency leaves the circuit closed, however often it happens.
func TestBreakerCounts(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, expire := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer expire()
	for name, c := range map[string]struct {
		ctx    context.Context
		give   func() error
		counts func(error) bool
		opens  bool
	}{
		"an error":              {give: gives(io.EOF), opens: true},
		"a panic":               {give: func() error { panic("boom") }, opens: true},
		"a timeout":             {give: gives(&engine.TimeoutError{}), opens: true},
		"a deadline":            {ctx: expired, give: gives(context.DeadlineExceeded), opens: true},
		"a panic of Counts":     {give: gives(io.EOF), counts: func(error) bool { panic("boom") }, opens: true},
		"a refusal":             {give: gives(engine.Reject("no"))},
		"an invalid message":    {give: gives(&engine.ValidationError{})},
		"no place":              {give: gives(middleware.ErrBusy)},
		"a call that was ended": {ctx: cancelled, give: gives(context.Canceled)},
		"what does not count":   {give: gives(io.EOF), counts: func(err error) bool { return err != io.EOF }},
	} {
		t.Run(name, func(t *testing.T) {
			s := &switched{give: c.give}
			th := newThermometer(t, one(middleware.Breaker(middleware.BreakerOptions{Failures: 2, Counts: c.counts})), s.handle)
			ctx := c.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			for range 4 {
				require.Error(t, th.call(ctx, 0))
			}
			require.Equal(t, map[bool]int{true: 2, false: 4}[c.opens], s.calls)
		})
	}
}

// A trial that ends its goroutine or is cancelled is over: the circuit does not wait for it for ever.
func TestBreakerForgetsNoTrial(t *testing.T) {
	ended := context.Canceled
	for name, give := range map[string]func() error{
		"exits":     func() error { runtime.Goexit(); return nil },
		"panics":    func() error { panic("boom") },
		"cancelled": gives(ended),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &switched{give: gives(io.EOF)}
				th := newThermometer(t, one(middleware.Breaker(middleware.BreakerOptions{Failures: 1})), s.handle)
				require.ErrorIs(t, th.call(t.Context(), 0), io.EOF)
				time.Sleep(10*time.Second + 1)
				s.give = give
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				var wg sync.WaitGroup
				wg.Go(func() { _ = th.call(ctx, 0) })
				wg.Wait()
				require.Equal(t, 2, s.calls)
				time.Sleep(10*time.Second + 1)
				s.give = gives(nil)
				require.NoError(t, th.call(t.Context(), 0))
			})
		})
	}
}
