package sources

import (
	"context"
	"sync"

	"github.com/reugn/go-streams"
	"github.com/reugn/go-streams/flow"

	"github.com/orchestrix-go/orchestrix/engine"
)

var (
	_ streams.Flow   = (*chain)(nil)
	_ engine.Starter = (*chain)(nil)
)

// chain is a source with the stages after it, not yet wired. Each Via makes a new chain that knows the one before, so
// that a chain may branch: the branches share the elements between them, as they do in go-streams.
type chain struct {
	head   *outlet
	before *chain // nil for the first stage
	stage  streams.Flow

	once sync.Once
	tail streams.Flow // what the stage's own wiring gave as the end of the belt so far; set by once
}

// Start binds the source to the context and wires the stages, each by its own Via. Once the context is done the source
// closes the first stage, which closes the next, and so on to Out. Only the first call counts.
func (c *chain) Start(ctx context.Context) {
	c.once.Do(func() {
		if c.before == nil {
			c.head.Start(ctx)
			flow.DoStream(c.head, c.stage)
			c.tail = c.stage
			return
		}
		c.before.Start(ctx)
		c.tail = c.before.tail.Via(c.stage)
	})
}

// Via gives the chain with one stage more. Nothing starts.
func (c *chain) Via(stage streams.Flow) streams.Flow {
	return &chain{head: c.head, before: c, stage: stage}
}

// To starts everything that Start has not started and blocks until the sink is done with all of it.
func (c *chain) To(sink streams.Sink) {
	c.Start(context.Background())
	c.tail.To(sink)
}

// Out starts everything that Start has not started, and gives the channel of the last stage, which closes it.
func (c *chain) Out() <-chan any {
	c.Start(context.Background())
	return c.tail.Out()
}

// In gives the inlet of the first stage. The source sends there and closes it; nobody else may.
func (c *chain) In() chan<- any {
	if c.before != nil {
		return c.before.In()
	}
	return c.stage.In()
}

// Err tells, once Out is closed, what ended the source; stages of go-streams have no errors.
func (c *chain) Err() error { return c.head.Err() }
