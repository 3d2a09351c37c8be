package middleware

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/orchestrix-go/orchestrix/engine"
)

// RetryOptions are the options of Retry. The zero value works.
type RetryOptions struct {
	// Attempts is how often a call is made, the first time included. 1 to 1000. Zero means 3.
	Attempts int
	// First is the longest wait before the second attempt; before each later one it is twice as long. Up to 1 h. Zero means
	// 10 ms. Every wait is drawn between nothing and the longest, so that what failed together does not return together.
	First time.Duration
	// Most bounds the longest wait, up to 1 h. Zero means 1 s.
	Most time.Duration
	// Total is the time after the first failure after which no attempt begins. Up to 24 h. Zero means 10 s.
	Total time.Duration
	// Classify tells whether another attempt may end better. Nil means engine.Retryable.
	Classify func(error) bool
	// Seed goes into the drawing of the waits: the same seed gives the same message the same waits.
	Seed uint64
}

// Retry makes a call again after an error that may pass, and waits in between, in the goroutine of the call, until the
// context ends. The other handlers of the command are not called again. Of the last error it says how many attempts there
// were; it keeps its class, so that a retry around this one multiplies the attempts. The first attempt costs nothing.
func Retry(options RetryOptions) engine.Middleware {
	o := options
	fault := all(
		within("Attempts", &o.Attempts, 3, 1, 1000),
		within("First", &o.First, 10*time.Millisecond, 1, time.Hour),
		within("Most", &o.Most, time.Second, 1, time.Hour),
		within("Total", &o.Total, 10*time.Second, 1, 24*time.Hour),
	)
	if o.Classify == nil {
		o.Classify = engine.Retryable
	}
	return engine.Middleware{Name: fmt.Sprintf("retry %d", o.Attempts), Err: fault, Wrap: func(next engine.Next) engine.Next {
		return func(ctx context.Context, call engine.Call) ([]any, error) {
			events, err := next(ctx, call)
			if err == nil || o.Attempts == 1 || !o.Classify(err) {
				return events, err
			}
			again := attempts{options: &o, call: call, next: next, made: 1, last: err}
			return again.run(ctx)
		}
	}}
}

// attempts are the attempts of one call of which the first has failed. It is the backoff between them, too.
type attempts struct {
	options *RetryOptions
	call    engine.Call
	next    engine.Next
	made    int
	last    error // nil when the last one succeeded
	known   bool  // the loop has heard of the first one
}

// errAgain asks the loop for another attempt. The error of the attempt is not for it: it would look for marks of its own.
var errAgain = errors.New("again")

// run makes the attempts that are left.
func (a *attempts) run(ctx context.Context) ([]any, error) {
	final := false
	events, stopped := backoff.Retry(ctx, func() ([]any, error) {
		if !a.known {
			a.known = true
			return nil, errAgain
		}
		a.made++
		var events []any
		if events, a.last = a.next(ctx, a.call); a.last == nil {
			return events, nil
		}
		if final = !a.options.Classify(a.last); final {
			return nil, backoff.Permanent(errAgain)
		}
		return nil, errAgain
	}, backoff.WithBackOff(a), backoff.WithMaxTries(uint(a.options.Attempts)), backoff.WithMaxElapsedTime(a.options.Total))
	switch {
	case stopped == nil:
		return events, nil
	case final:
		return nil, a.last
	case ctx.Err() != nil:
		return nil, fmt.Errorf("middleware: stopped after %d attempts: %w: %w", a.made, context.Cause(ctx), a.last)
	}
	return nil, fmt.Errorf("middleware: %d attempts: %w", a.made, a.last)
}

// Reset is for the loop; there is nothing to reset.
func (a *attempts) Reset() {}

// NextBackOff is the wait before the next attempt: full jitter, drawn from what names the attempt.
func (a *attempts) NextBackOff() time.Duration {
	longest := a.options.Most
	if doublings := a.made - 1; doublings < 63 && a.options.First <= longest>>doublings {
		longest = a.options.First << doublings
	}
	h := fnv.New64a()
	_, _ = h.Write(a.call.Message.ID[:])
	_, _ = h.Write([]byte(a.call.Handler))
	draw := rand.New(rand.NewPCG(a.options.Seed^h.Sum64(), uint64(a.made)))
	return time.Duration(draw.Int64N(int64(longest) + 1))
}
