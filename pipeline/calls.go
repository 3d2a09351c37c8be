package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// call is one handler's call for one command, and what came of it.
type call struct {
	task    *task
	handler *engine.Handler
	number  int   // of the handler in its route
	pace    *pace // of the command's route
	made    []any // payloads of events
	err     error
}

// run calls the handler. Code that ends its goroutine leaves errExited behind.
func (c *call) run(ctx context.Context) {
	c.err = errExited
	c.made, c.err = c.handler.Call(ctx, c.task.cmd, c.task.data)
}

// timed runs the call and lets its route learn from the time it took.
func (c *call) timed(ctx context.Context) {
	began := time.Now()
	c.run(ctx)
	c.pace.learn(c.number, time.Since(began))
}

// calls are the handler calls of one turn. All of them run at once, each in a goroutine of its own but for the last; or,
// when all handlers are known to be quick, one after another in the worker's goroutine, which costs a tenth. Whoever runs
// calls takes each by its number, so that the rest of an inline row can be given to goroutines at any moment: when a call
// turns out to wait (see lookout), or when one ends the worker's goroutine.
type calls struct {
	ctx   context.Context
	list  []call
	quick bool           // all routes are
	next  atomic.Int64   // number of the next call that nobody has taken
	away  sync.WaitGroup // of the goroutines
}

// take gives a call that nobody has, or nil.
func (cs *calls) take() *call {
	if i := cs.next.Add(1) - 1; i < int64(len(cs.list)) {
		return &cs.list[i]
	}
	return nil
}

// join runs all calls and returns when all of them have ended.
func (cs *calls) join(ctx context.Context, at *post) {
	if len(cs.list) == 0 {
		return
	}
	cs.ctx = ctx
	cs.next.Store(0)
	defer func() { // deferred, for a call that ends this goroutine
		at.leave()
		cs.handOff(0)
		cs.away.Wait()
	}()
	if !cs.quick {
		cs.handOff(1)
		cs.take().timed(ctx)
		return
	}
	at.enter(cs)
	began := time.Now()
	for c := cs.take(); c != nil; c = cs.take() {
		c.run(ctx)
	}
	cs.list[0].pace.inline(time.Since(began), len(cs.list)) // nearly always they are all of one route
}

// handOff gives every call that nobody has, but for the last few that are kept, to a goroutine of its own.
func (cs *calls) handOff(keep int) {
	for cs.next.Load() < int64(len(cs.list)-keep) {
		if c := cs.take(); c != nil {
			cs.away.Go(func() { c.timed(cs.ctx) })
		}
	}
}
