package sources

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

// ErrUsed says that a source was asked for its elements both by Feed and as a stream, or by Feed twice. Whoever came
// second got nothing, and nothing was lost for the first.
var ErrUsed = errors.New("sources: the source is in use already")

// producer hands over everything that a source has, in sequence, at most `most` elements at a time, and never waits for
// more while it holds some. It returns nil at the end, nil or the context's error once ctx is done, the error of emit as
// it is, or what went wrong. Emit may keep the slice only until it returns.
type producer func(ctx context.Context, most int, emit func([]any) error) error

// use is which way an outlet went.
type use uint8

const (
	unused use = iota
	streaming
	feeding
)

// outlet is the go-streams side of every source here: one pump goroutine that sends single elements.
type outlet struct {
	produce producer
	out     chan any

	mu  sync.Mutex // guards what is below; nothing blocks under it
	use use
	err error
}

func (o *outlet) init(produce producer) {
	o.produce = produce
	// The pump sends and closes, or Feed closes; the next stage receives. Unbuffered: taking one is asking for the next.
	o.out = make(chan any)
}

// Start makes the elements flow into Out until the source ends or the context is done; Out is closed then. Only the
// first call counts, and calling Out is one with a context that is never done.
func (o *outlet) Start(ctx context.Context) {
	if !o.claim(streaming) {
		return
	}
	go o.pump(ctx) // owned by the reader of out: it ends with the context or the source, and closes out as its last act
}

// Out starts the source if nobody has, and gives the channel of its elements, one at a time. The source closes it. Who
// does not read it to its end must bind the source to a context by Start first and end that. Several readers share the
// elements between them.
func (o *outlet) Out() <-chan any {
	o.Start(context.Background())
	return o.out
}

// Via gives the chain of this source and a stage. Nothing starts before To, Out or Start of the chain is called.
func (o *outlet) Via(stage streams.Flow) streams.Flow {
	return &chain{head: o, stage: stage}
}

// Err tells, once Out is closed, what ended the source: nil for its own end or the context, ErrUsed when Feed has it.
func (o *outlet) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// claim takes the outlet for one way of use and tells whether that was the first claim. Streaming may be asked for
// again, which changes nothing; asking for it after Feed leaves ErrUsed for the reader of the closed channel.
func (o *outlet) claim(use use) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.use == unused {
		o.use = use
		return true
	}
	if o.use == feeding && use == streaming {
		o.err = ErrUsed
	}
	return false
}

// pump sends element after element. It takes them one by one: what it would read ahead is lost when it is cancelled.
func (o *outlet) pump(ctx context.Context) {
	err := errExited // unless run returns
	defer func() {
		o.mu.Lock()
		o.err = err
		o.mu.Unlock()
		close(o.out)
	}()
	err = o.run(ctx, 1, func(elements []any) error {
		for _, e := range elements {
			// Asked for apart: with a reader waiting and the context done, the select below picks either.
			if err := ctx.Err(); err != nil {
				return err
			}
			select {
			case o.out <- e:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
}

// run produces everything and gives nil when that ended because the context did.
func (o *outlet) run(ctx context.Context, most int, emit func([]any) error) error {
	if ctx.Err() != nil {
		return nil
	}
	err := guard(func() error { return o.produce(ctx, most, emit) })
	if cause := context.Cause(ctx); cause != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, cause)) {
		return nil
	}
	return err
}

// guard calls code that was given to us and turns its panic into an error.
func guard(call func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &engine.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return call()
}
