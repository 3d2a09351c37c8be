package pipeline

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// call is one handler's call for one command, and what came of it: one line of the processor's cache.
type call struct {
	task    *task
	handler *engine.Handler
	number  int   // of the handler in its route
	made    []any // payloads of events
	err     error
}

// run calls the handler.
func (c *call) run(ctx context.Context) { c.made, c.err = c.handler.Call(ctx, c.task.cmd, c.task.data) }

// timed runs the call and lets its route learn from the time it took. Code that ends its goroutine leaves errExited behind.
func (c *call) timed(ctx context.Context) {
	began := time.Now()
	c.err = errExited
	c.run(ctx)
	c.task.pace.learn(c.number, time.Since(began))
}

// calls are the handler calls of one turn. All of them run at once, each in a goroutine of its own; or, when all handlers
// are known to be quick, one after another in the worker's goroutine, which costs far less. Whoever runs calls inline takes
// each by its number, so that the rest can be given to goroutines at any moment: when a call turns out to wait (see
// lookout), or when one ends the worker's goroutine.
type calls struct {
	ctx   context.Context
	list  []call
	quick bool           // all routes are
	next  atomic.Int64   // inline: number of the next call that nobody has taken
	ended atomic.Int64   // in goroutines: calls that have ended
	away  sync.WaitGroup // inline: of the goroutines
}

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
		c.task, c.handler, c.number = t, &handlers[i], i
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

// start runs each call in a goroutine. That of the last one to end goes on with the turn.
func (cs *calls) start(ctx context.Context, t *turn) {
	cs.ended.Store(0)
	p, list, all := t.p, cs.list, int64(len(cs.list)) // the turn may be over as soon as the last one is started
	for i := range list {
		c := &list[i]
		p.crew.Go(func() {
			defer func() { // deferred, for a handler that ends this goroutine
				if cs.ended.Add(1) == all {
					t.resume(ctx)
				}
			}()
			c.timed(ctx)
		})
	}
}

// take gives a call that nobody has, or nil.
func (cs *calls) take() *call {
	if i := cs.next.Add(1) - 1; i < int64(len(cs.list)) {
		return &cs.list[i]
	}
	return nil
}

// join runs all calls inline and returns when all of them have ended.
func (cs *calls) join(ctx context.Context, at *post) {
	if len(cs.list) == 0 {
		return
	}
	cs.ctx = ctx
	cs.next.Store(0)
	var c *call
	defer func() { // deferred, for a call that ends this goroutine
		if c != nil {
			c.err = errExited
		}
		at.leave()
		cs.handOff()
		cs.away.Wait()
	}()
	at.enter(cs)
	at.lookout.rouse() // it may have gone to sleep while this row took long
	began := time.Now()
	for c = cs.take(); c != nil; c = cs.take() {
		c.run(ctx)
	}
	cs.list[0].task.pace.inline(time.Since(began), len(cs.list)) // nearly always they are all of one route
}

// handOff gives every call that nobody has to a goroutine of its own.
func (cs *calls) handOff() {
	for c := cs.take(); c != nil; c = cs.take() {
		cs.away.Go(func() { c.timed(cs.ctx) })
	}
}
