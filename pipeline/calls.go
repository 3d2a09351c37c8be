package pipeline

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// call is one handler's call for one command, and what came of it: one line of the processor's cache.
type call struct {
	task    *task
	handler *engine.Handler
	number  int32 // of the handler in its route
	state   int32 // in a goroutine of its own; see outing
	made    []any // payloads of events
	err     error
}

// run calls the handler.
func (c *call) run(ctx context.Context) {
	made, err := c.handler.Call(ctx, c.task.cmd, c.task.data)
	c.made, c.err = made, sound(err)
}

// calls are the handler calls of one turn. All of them run at once, each in a goroutine of its own; or, when all handlers
// are known to be quick, one after another in the worker's goroutine, which costs far less. Whoever runs calls inline takes
// each by its number, so that the rest can be given to goroutines at any moment: when a call turns out to wait (see
// lookout), or when one ends the worker's goroutine. From then on the worker's own call is one among them.
type calls struct {
	ctx    context.Context
	list   []call
	quick  bool         // all routes are
	next   atomic.Int64 // inline: number of the next call that nobody has taken, from givenAway on when the rest was given away
	turn   *turn        // inline
	outing *outing      // to which the rest was given; guarded by the lock of the post
}

// givenAway is more than there are calls.
const givenAway = 1 << 40

// add lists the calls of a command's handlers. The list is empty behind its end (see reset), so that only what is known of
// a call has to be written.
func (cs *calls) add(t *task) {
	if t.partly() {
		cs.addFailed(t)
		return
	}
	handlers, n := t.route.Handlers, len(cs.list)
	cs.list = slices.Grow(cs.list, len(handlers))[:n+len(handlers)]
	for i := range handlers {
		c := &cs.list[n+i]
		c.task, c.handler, c.number = t, &handlers[i], int32(i)
	}
}

// addFailed lists the calls that failed before.
func (cs *calls) addFailed(t *task) {
	for i := range t.calls {
		if c := &t.calls[i]; c.failed() {
			cs.list = append(cs.list, call{task: t, handler: c.handler, number: c.number})
		}
	}
}

// take gives a call that nobody has, or nil.
func (cs *calls) take() *call {
	if i := cs.next.Add(1) - 1; i < int64(len(cs.list)) {
		return &cs.list[i]
	}
	return nil
}

// runInline runs all calls in the goroutine of the worker and returns when all of them have ended, or when the rest was
// given away: then the turn goes on elsewhere.
func (cs *calls) runInline(ctx context.Context, at *post, t *turn) {
	g := t.guard
	cs.ctx, cs.turn, cs.outing = g.context(), t, nil
	cs.next.Store(0)
	var c, last *call
	defer func() { // deferred, for a call that ends this goroutine
		if c != nil {
			c.err = errExited
			at.giveAway(cs)
		}
		if cs.next.Load() < givenAway {
			at.leave()
			return
		}
		g.turn = nil
		if g.gone = !at.handOver(ctx, cs, last); g.gone && c == nil {
			runtime.Goexit()
		}
	}()
	at.enter(cs)
	at.lookout.rouse() // it may have gone to sleep while this row took long
	began := time.Now()
	for c = cs.take(); c != nil; c = cs.take() {
		last = c
		c.run(cs.ctx)
	}
	if cs.next.Load() < givenAway {
		cs.list[0].task.pace.inline(time.Since(began), len(cs.list)) // nearly always they are all of one route
	}
}
