package middleware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Timeout bounds one call, by the deadline of the context that the handler gets. A call that ends later fails with an
// *engine.TimeoutError, whatever it made; only a refusal stands, which is an answer. It does not leave a handler behind
// that ignores its context: pipeline.Options.HandlerTimeout does. After must be positive.
func Timeout(after time.Duration) engine.Middleware {
	var fault error
	if after <= 0 {
		fault = fmt.Errorf("the time is %v: give a positive duration", after)
	}
	return engine.Middleware{Name: "timeout " + after.String(), Err: fault, Wrap: func(next engine.Next) engine.Next {
		return func(ctx context.Context, call engine.Call) ([]any, error) {
			timed, cancel := context.WithTimeout(ctx, after)
			defer cancel()
			events, err := next(timed, call)
			if timed.Err() == nil || ctx.Err() != nil { // in time, or the caller gave up: that is not this timeout
				return events, err
			}
			return nil, late(&engine.TimeoutError{Handler: call.Handler, After: after}, err)
		}
	}}
}

// late is the error of a call that ended with err after its time.
func late(timeout *engine.TimeoutError, err error) error {
	switch {
	case errors.Is(err, engine.ErrRejected):
		return err
	case err == nil || err == context.DeadlineExceeded: // it says no more
		return timeout
	}
	return fmt.Errorf("%w: %w", timeout, err)
}
