package pipeline

import (
	"context"
	"sync/atomic"
	"time"
)

// leash is the context that handlers and deciders get: that of the work, until somebody cuts this one call off. A context
// that can be cancelled by itself costs more than many a handler, so that it is made only when the code waits for it.
type leash struct {
	context.Context                       // of the work
	own             atomic.Pointer[ended] // made when it is needed
	why             atomic.Pointer[error] // set ahead of the cut; only for who was cut off
	cutAt           time.Duration         // since the pipeline began; only the lookout looks
}

// ended is a context that can be ended.
type ended struct {
	context.Context
	end context.CancelCauseFunc
}

// Done makes the context that can be cut.
func (l *leash) Done() <-chan struct{} { return l.hold().Done() }

// Err is that of the work for as long as nothing is cut.
func (l *leash) Err() error {
	if own := l.own.Load(); own != nil {
		return own.Err()
	}
	return l.Context.Err()
}

// Value also finds the cause of the cut: package context asks for it here.
func (l *leash) Value(key any) any {
	if own := l.own.Load(); own != nil {
		return own.Value(key)
	}
	return l.Context.Value(key)
}

func (l *leash) hold() *ended {
	if own := l.own.Load(); own != nil {
		return own
	}
	ctx, end := context.WithCancelCause(l.Context)
	if !l.own.CompareAndSwap(nil, &ended{ctx, end}) {
		end(nil)
	}
	return l.own.Load()
}

// cut ends the context, for the reason that was said.
func (l *leash) cut(now time.Duration) {
	l.cutAt = now
	l.hold().end(*l.why.Load())
}

// used tells whether the leash is no longer what it was made as: it serves no other call.
func (l *leash) used() bool { return l.own.Load() != nil }

// release lets go of what the leash holds of the context of the work.
func (l *leash) release() {
	if own := l.own.Load(); own != nil {
		own.end(nil)
	}
}
