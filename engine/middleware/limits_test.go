package middleware_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
)

// starts notes when calls begin.
type starts struct {
	began time.Time
	mu    sync.Mutex
	at    []time.Duration
}

func (s *starts) note(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Since(s.began))
	return nil
}

// crowd makes n calls at once, of the handlers in turn, and gives their errors.
func crowd(ctx context.Context, th *thermometer, n int) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = th.call(ctx, i%len(th.handlers)) })
	}
	wg.Wait()
	return errs
}

// count tells how many errors match.
func count(errs []error, matches func(error) bool) (n int) {
	for _, err := range errs {
		if matches(err) {
			n++
		}
	}
	return n
}

func isNil(err error) bool { return err == nil }

// All handlers together begin ten calls a second, after the three of the burst.
func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starts{began: time.Now()}
		th := newThermometer(t, one(middleware.RateLimit(10, middleware.RateOptions{Burst: 3})), s.note, s.note)
		require.Equal(t, 20, count(crowd(t.Context(), th, 20), isNil))
		require.Equal(t, 1700*time.Millisecond, time.Since(s.began))
		for i, at := range s.at {
			require.Equal(t, time.Duration(max(0, i-2))*100*time.Millisecond, at, "call %d", i)
		}
	})
}

// The queue is bounded by what a call is ready to wait: the others hear of it at once.
func TestRateLimitRefusesAtOnce(t *testing.T) {
	for wait, let := range map[time.Duration]int{-1: 1, time.Second: 11, 0: 101} {
		synctest.Test(t, func(t *testing.T) {
			s := &starts{began: time.Now()}
			th := newThermometer(t, one(middleware.RateLimit(10, middleware.RateOptions{Burst: 1, Wait: wait})), s.note)
			errs := make([]error, 200)
			took := make([]time.Duration, 200)
			var wg sync.WaitGroup
			for i := range errs {
				wg.Go(func() {
					errs[i] = th.call(t.Context(), 0)
					took[i] = time.Since(s.began)
				})
			}
			wg.Wait()
			require.Equal(t, let, count(errs, isNil), "who waits %v", wait)
			for i, err := range errs {
				if err != nil {
					require.ErrorIs(t, err, middleware.ErrBusy)
					require.True(t, engine.Retryable(err))
					require.Zero(t, took[i])
				}
			}
			time.Sleep(100 * time.Millisecond)
			require.NoError(t, th.call(t.Context(), 0), "those who were refused have used up nothing")
		})
	}
}

// A turn that is given back is the next one's.
func TestRateLimitGivesTurnsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starts{began: time.Now()}
		th := newThermometer(t, one(middleware.RateLimit(1, middleware.RateOptions{Burst: 1})), s.note)
		require.NoError(t, th.call(t.Context(), 0))

		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, th.call(short, 0), middleware.ErrBusy, "its turn comes after its deadline")
		require.Zero(t, time.Since(s.began), "which is known at once")

		gone, leave := context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, leave)
		require.ErrorIs(t, th.call(gone, 0), context.Canceled)
		require.Equal(t, 500*time.Millisecond, time.Since(s.began))

		require.NoError(t, th.call(t.Context(), 0))
		require.Equal(t, []time.Duration{0, time.Second}, s.at)
	})
}

// All handlers together run three calls at once.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		running, most := 0, 0
		busy := func(ctx context.Context) error {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			defer func() {
				mu.Lock()
				running--
				mu.Unlock()
			}()
			return sleep(ctx, time.Second)
		}
		th := newThermometer(t, one(middleware.Concurrency(3, middleware.ConcurrencyOptions{})), busy, busy)
		require.Equal(t, 12, count(crowd(t.Context(), th, 12), isNil))
		require.Equal(t, 3, most)
		require.Equal(t, 4*time.Second, time.Since(began))
	})
}

func TestConcurrencyWaits(t *testing.T) {
	for _, c := range []struct {
		wait, took time.Duration
		let        int
	}{{-1, time.Hour, 2}, {time.Second, time.Hour, 2}, {0, time.Hour, 2}, {90 * time.Minute, 2 * time.Hour, 4}} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			th := newThermometer(t, one(middleware.Concurrency(2, middleware.ConcurrencyOptions{Wait: c.wait})), ignore(time.Hour))
			errs := crowd(t.Context(), th, 5)
			require.Equal(t, c.let, count(errs, isNil), "who waits %v", c.wait)
			for _, err := range errs {
				if err != nil {
					require.ErrorIs(t, err, middleware.ErrBusy)
					require.True(t, engine.Retryable(err))
				}
			}
			require.Equal(t, c.took, time.Since(began))
		})
	}
}

func TestConcurrencyEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThermometer(t, one(middleware.Concurrency(1, middleware.ConcurrencyOptions{})), ignore(time.Hour))
		var wg sync.WaitGroup
		var first error
		wg.Go(func() { first = th.call(t.Context(), 0) })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		time.AfterFunc(time.Second, cancel)
		require.ErrorIs(t, th.call(ctx, 0), context.Canceled)
		require.Equal(t, time.Second, time.Since(began))
		wg.Wait()
		require.NoError(t, first)
		require.NoError(t, th.call(t.Context(), 0), "its place was not taken")
	})
}
