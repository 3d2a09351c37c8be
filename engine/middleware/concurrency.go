package middleware

import (
	"context"
	"fmt"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// ConcurrencyOptions are the options of Concurrency. The zero value works.
type ConcurrencyOptions struct {
	// Wait is how long a call waits for a place at most, up to 24 h; its context may end earlier. Zero means 10 s; negative
	// means not at all.
	Wait time.Duration
}

// Concurrency lets n calls run at once, of all that it is put around together, and makes the rest wait. Who waits too long
// gets ErrBusy. N is 1 to 1,000,000. A handler in it must not wait for another call that goes through the same one.
func Concurrency(n int, options ConcurrencyOptions) engine.Middleware {
	o := options
	fault := checkWait(&o.Wait)
	if n < 1 || n > 1_000_000 {
		fault = all(fmt.Errorf("the number is %d: give 1 to 1000000", n), fault)
		n = 1
	}
	places := make(chan struct{}, n) // one token for each call under way: it sends when it begins and receives when it ends
	return engine.Middleware{
		Name: fmt.Sprintf("concurrency %d", n), Err: fault,
		Wrap: func(next engine.Next) engine.Next {
			return func(ctx context.Context, call engine.Call) ([]any, error) {
				select {
				case places <- struct{}{}:
				default:
					if err := enter(ctx, places, call, o.Wait); err != nil {
						return nil, err
					}
				}
				defer func() { <-places }() // deferred, for a handler that panics or ends its goroutine
				return next(ctx, call)
			}
		},
	}
}

// enter waits for a place.
func enter(ctx context.Context, places chan<- struct{}, call engine.Call, wait time.Duration) error {
	if wait < 0 {
		return busy(call, "all %d places are taken", cap(places))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case places <- struct{}{}:
		return nil
	case <-timer.C:
		return busy(call, "all %d places were taken for %v", cap(places), wait)
	case <-ctx.Done():
		return ctx.Err()
	}
}
