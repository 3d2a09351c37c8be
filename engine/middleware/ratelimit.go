package middleware

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/orchestrix-go/orchestrix/engine"
)

// RateOptions are the options of RateLimit. The zero value works.
type RateOptions struct {
	// Burst is how many calls may begin at once after a rest, 1 to 1,000,000. Zero means as many as a second brings.
	Burst int
	// Wait is how long a call waits for its turn at most, up to 24 h; its context may end earlier. Zero means 10 s; negative
	// means not at all.
	Wait time.Duration
}

// RateLimit lets so many calls begin in a second, of all that it is put around together, and makes the rest wait, first come
// first served. Who would have to wait too long gets ErrBusy at once. PerSecond is above 0 and at most 1e9.
func RateLimit(perSecond float64, options RateOptions) engine.Middleware {
	o := options
	var fault error
	if !(perSecond > 0 && perSecond <= 1e9) { // written so that it refuses NaN
		fault = fmt.Errorf("the rate is %v a second: give more than 0 and at most 1e9", perSecond)
		perSecond = 1
	}
	fault = all(fault,
		within("Burst", &o.Burst, int(min(math.Ceil(perSecond), 1_000_000)), 1, 1_000_000),
		checkWait(&o.Wait),
	)
	q := &queue{limiter: rate.NewLimiter(rate.Limit(perSecond), o.Burst), wait: o.Wait}
	return engine.Middleware{
		Name: fmt.Sprintf("rate limit %g/s", perSecond), Err: fault,
		Wrap: func(next engine.Next) engine.Next {
			return func(ctx context.Context, call engine.Call) ([]any, error) {
				if !q.limiter.Allow() {
					if err := q.stand(ctx, call); err != nil {
						return nil, err
					}
				}
				return next(ctx, call)
			}
		},
	}
}

// queue is where those wait who may not begin yet.
type queue struct {
	limiter *rate.Limiter
	wait    time.Duration // negative: not at all
	mu      sync.Mutex    // held by who looks for a turn, see find
}

// stand waits for the turn of a call.
func (q *queue) stand(ctx context.Context, call engine.Call) error {
	turn, delay, err := q.find(ctx, call)
	if err != nil {
		return err
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		turn.Cancel() // it moves up nobody who has a later turn already
		return ctx.Err()
	}
}

// find takes the next turn that is free, or leaves it to another when that comes too late. The limiter takes back a turn as
// a whole only while it is the last one: if somebody took a later one between Reserve and Cancel, those who are refused
// would use up the turns of those who are not.
func (q *queue) find(ctx context.Context, call engine.Call) (*rate.Reservation, time.Duration, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	turn := q.limiter.Reserve()
	delay := turn.Delay()
	if delay > q.wait {
		turn.Cancel()
		return nil, 0, busy(call, "its turn would come in %v", delay)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < delay {
		turn.Cancel()
		return nil, 0, busy(call, "its turn would come in %v, after its deadline", delay)
	}
	return turn, delay, nil
}
