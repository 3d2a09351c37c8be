package middleware

import (
	"context"
	"errors"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Trace calls begin before each call and what it returned after. Begin gets the call, whose Message.TraceParent is the W3C
// trace context of whoever sent it, possibly empty or malformed; the context that it returns goes to the handler. The
// function that it returns gets the call's error, which for one that did not return says that, and may be nil when there is
// nothing to end. Both are called at the same time for different calls.
func Trace(begin func(ctx context.Context, call engine.Call) (context.Context, func(err error))) engine.Middleware {
	var fault error
	if begin == nil {
		fault = errors.New("the function is nil")
	}
	return engine.Middleware{Name: "trace", Err: fault, Wrap: func(next engine.Next) engine.Next {
		return func(ctx context.Context, call engine.Call) (events []any, err error) {
			traced, end := begin(ctx, call)
			if traced == nil {
				traced = ctx
			}
			if end != nil {
				err = errGone               // until it returns
				defer func() { end(err) }() // deferred, for a handler that panics or ends its goroutine
			}
			return next(traced, call)
		}
	}}
}
