package middleware

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/orchestrix-go/orchestrix/engine"
)

// BreakerOptions are the options of Breaker. The zero value works.
type BreakerOptions struct {
	// Failures in a row open the circuit, 1 to 1,000,000. Zero means 5.
	Failures int
	// Open is how long it stays open before calls are tried again, up to 24 h. Zero means 10 s.
	Open time.Duration
	// Trials is how many calls are let through then; when all of them succeed the circuit closes, and the first that fails
	// opens it again. 1 to 1,000,000. Zero means 1.
	Trials int
	// Counts tells which errors are failures of what the handler depends on. Nil means all but refusals, invalid messages
	// and ErrBusy. A call that was cancelled is never counted, neither as a failure nor as a success.
	Counts func(error) bool
}

// Breaker stops calling a handler that keeps failing, so that what it depends on can recover and nobody waits for it. While
// its circuit is open each call gets ErrOpen at once, with the last failure's text. Each handler has a circuit of its own. A
// panic is a failure.
func Breaker(options BreakerOptions) engine.Middleware {
	o := options
	fault := all(
		within("Failures", &o.Failures, 5, 1, 1_000_000),
		within("Open", &o.Open, 10*time.Second, 1, 24*time.Hour),
		within("Trials", &o.Trials, 1, 1, 1_000_000),
	)
	if o.Counts == nil {
		o.Counts = func(err error) bool {
			return !errors.Is(err, engine.ErrRejected) && !errors.Is(err, engine.ErrInvalid) && !errors.Is(err, ErrBusy)
		}
	}
	return engine.Middleware{Name: fmt.Sprintf("breaker %d", o.Failures), Err: fault, Wrap: func(next engine.Next) engine.Next {
		c := o.circuit()
		return func(ctx context.Context, call engine.Call) (events []any, err error) {
			done, refused := c.breaker.Allow()
			if refused != nil {
				return nil, c.refusal(call, refused)
			}
			err = errGone  // until it returns
			defer func() { // deferred, for a handler that panics or ends its goroutine
				verdict := errFailed
				defer func() { done(verdict) }() // deferred, for a Counts that panics
				verdict = c.judge(ctx, err)
			}()
			return next(ctx, call)
		}
	}}
}

// circuit is the circuit of one handler. The two steps of asking and telling are apart, because the library's way to do
// both at once forgets a call that ends its goroutine, and a trial that is forgotten is waited for without end.
type circuit struct {
	options *BreakerOptions
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	last    atomic.Pointer[string] // what the last failure said
}

// What the library is told of a call, besides nil.
var (
	errFailed    = errors.New("failed")
	errCancelled = errors.New("cancelled")
)

func (o *BreakerOptions) circuit() *circuit {
	return &circuit{options: o, breaker: gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: uint32(o.Trials),
		Timeout:     o.Open,
		ReadyToTrip: func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= uint32(o.Failures) },
		IsExcluded:  func(err error) bool { return err == errCancelled },
	})}
}

// judge says what a call's error means for the circuit.
func (c *circuit) judge(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case err != errGone && errors.Is(ctx.Err(), context.Canceled):
		return errCancelled
	case err != errGone && !c.options.Counts(err):
		return nil
	}
	text := err.Error()
	c.last.Store(&text)
	return errFailed
}

func (c *circuit) refusal(call engine.Call, refused error) error {
	state := "it rests after failures"
	if errors.Is(refused, gobreaker.ErrTooManyRequests) {
		state = "it is being tried again"
	}
	last := "nothing"
	if text := c.last.Load(); text != nil {
		last = *text
	}
	return engine.Temporary(fmt.Errorf("%w: handler %q: %s, the last of which was: %s", ErrOpen, call.Handler, state, last))
}
