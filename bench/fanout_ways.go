package bench

import (
	"context"
	"fmt"
	"sync"

	"github.com/reugn/go-streams"
	"github.com/reugn/go-streams/flow"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// ping is the command of the studies about handlers.
type ping struct{ N int }

// fanPipeline has a pipeline call the handlers; the outcome is the join.
func fanPipeline(ctx context.Context, work fanWork) (func() error, error) {
	registry := engine.NewRegistry()
	for h := range fanHandlers {
		engine.OnCommand(registry, "ping", fmt.Sprintf("handler-%d", h+1),
			func(_ context.Context, _ *engine.Command, p ping) ([]any, error) {
				work.handle(h, p.N)
				return nil, nil
			})
	}
	p, err := pipeline.New(registry, sinks.NewStore(memory.New()), pipeline.Options{})
	if err != nil {
		return nil, err
	}
	accounts := NewWorkload(work.commands, 1000)
	cmds := make([]*engine.Command, work.commands)
	for i := range cmds {
		account, _ := accounts.Command(i)
		cmds[i] = engine.NewCommand(account, ping{i})
		cmds[i].Settled = func(engine.Outcome) { work.joined(i) }
	}
	return func() error { return runAll(ctx, p, cmds) }, nil
}

// runAll runs commands through a pipeline, all of which have to be accepted.
func runAll(ctx context.Context, p *pipeline.Pipeline, cmds []*engine.Command) error {
	report, err := p.Run(ctx, sources.Slice(cmds))
	if err == nil && report.Accepted != len(cmds) {
		err = fmt.Errorf("bench: not every command was accepted:\n%s", report)
	}
	return err
}

// fanInline calls the handlers one after another and hands nothing to anybody: what no join can beat on one core.
func fanInline(ctx context.Context, work fanWork) (func() error, error) {
	return func() error {
		for c := range work.commands {
			if c%handBatch == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			for h := range fanHandlers {
				work.handle(h, c)
			}
			work.joined(c)
		}
		return nil
	}, nil
}

// fanWaitGroup starts a goroutine for each call, as one does who has not measured it.
func fanWaitGroup(ctx context.Context, work fanWork) (func() error, error) {
	return func() error {
		for c := range work.commands {
			if c%handBatch == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			var calls sync.WaitGroup
			for h := range fanHandlers {
				calls.Go(func() { work.handle(h, c) })
			}
			calls.Wait()
			work.joined(c)
		}
		return nil
	}, nil
}

// fanBatch is some commands in a row on their way through five goroutines.
type fanBatch struct {
	from, to int
	calls    sync.WaitGroup
}

// fanBatches has a goroutine for each handler, gives all of them the same batch, and joins by the batch.
func fanBatches(ctx context.Context, work fanWork) (func() error, error) {
	return func() error {
		var goroutines sync.WaitGroup
		var handlers [fanHandlers]chan *fanBatch
		for h := range handlers {
			handlers[h] = make(chan *fanBatch, 8) // the dealer sends and closes, one handler receives; enough that neither waits for long
			goroutines.Go(func() {
				for b := range handlers[h] {
					for c := b.from; c < b.to; c++ {
						work.handle(h, c)
					}
					b.calls.Done()
				}
			})
		}
		under := make(chan *fanBatch, 8) // the dealer sends and closes, the join receives; as many as the handlers may have waiting
		goroutines.Go(func() {
			for b := range under {
				b.calls.Wait()
				for c := b.from; c < b.to; c++ {
					work.joined(c)
				}
			}
		})
		for from := 0; from < work.commands && ctx.Err() == nil; from += handBatch {
			b := &fanBatch{from: from, to: min(from+handBatch, work.commands)}
			b.calls.Add(fanHandlers)
			for _, handler := range handlers {
				handler <- b
			}
			under <- b
		}
		for _, handler := range handlers {
			close(handler)
		}
		close(under)
		goroutines.Wait()
		return ctx.Err()
	}, nil
}

// fanChain is the fan-out of go-streams, from stock parts: every element to five maps, and one of each zipped together.
func fanChain(ctx context.Context, work fanWork) (func() error, error) {
	commands := make([]int, work.commands)
	for c := range commands {
		commands[c] = c
	}
	chain := func(source streams.Source) streams.Flow {
		maps := make([]streams.Outlet, 0, fanHandlers)
		for h, branch := range flow.FanOut(source, fanHandlers) {
			maps = append(maps, branch.Via(flow.NewMap(func(c *int) *int {
				work.handle(h, *c)
				return c
			}, 1)))
		}
		return flow.ZipWith(func(same []*int) *int { return same[0] }, maps...)
	}
	return func() error {
		return stream(ctx, commands, chain, func(element any) { work.joined(*element.(*int)) })
	}, nil
}
