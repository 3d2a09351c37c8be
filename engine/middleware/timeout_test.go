package middleware_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
)

func TestTimeout(t *testing.T) {
	const limit = time.Second
	sleeps := func(d time.Duration, then error) handle {
		return func(ctx context.Context) error { return errors.Join(sleep(ctx, d), then) }
	}
	for name, c := range map[string]struct {
		do    handle
		took  time.Duration
		is    []error
		isNot []error
	}{
		"in time":                    {do: sleeps(limit-1, nil), took: limit - 1},
		"fails in time":              {sleeps(limit-1, io.EOF), limit - 1, []error{io.EOF}, []error{engine.ErrTimeout}},
		"hears that its time is up":  {sleeps(time.Hour, nil), limit, []error{engine.ErrTimeout}, nil},
		"fails when its time is up":  {sleeps(time.Hour, io.EOF), limit, []error{engine.ErrTimeout, io.EOF}, nil},
		"ignores it, and is late":    {ignore(2 * limit), 2 * limit, []error{engine.ErrTimeout}, nil},
		"is late with its own error": {lateWith(2*limit, io.EOF), 2 * limit, []error{engine.ErrTimeout, io.EOF}, nil},
		"is late with a refusal":     {lateWith(2*limit, engine.Reject("no")), 2 * limit, []error{engine.ErrRejected}, []error{engine.ErrTimeout}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := newThermometer(t, one(middleware.Timeout(limit)), c.do).call(t.Context(), 0)
				require.Equal(t, c.took, time.Since(began))
				if len(c.is) == 0 {
					require.NoError(t, err)
				}
				for _, is := range c.is {
					require.ErrorIs(t, err, is)
				}
				for _, not := range c.isNot {
					require.NotErrorIs(t, err, not)
				}
				if timeout, ok := errors.AsType[*engine.TimeoutError](err); ok {
					require.Equal(t, &engine.TimeoutError{Handler: "0", After: limit}, timeout)
					require.True(t, engine.Retryable(err))
				}
			})
		})
	}
}

func lateWith(d time.Duration, err error) handle {
	return func(context.Context) error {
		time.Sleep(d)
		return err
	}
}

// The end of the caller's own context is not this timeout: who called knows why it ended.
func TestTimeoutOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThermometer(t, one(middleware.Timeout(time.Minute)), func(ctx context.Context) error {
			return sleep(ctx, time.Hour)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := th.call(ctx, 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, engine.ErrTimeout)

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		require.ErrorIs(t, th.call(ctx, 0), context.Canceled)
	})
}
