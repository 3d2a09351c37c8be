package main

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

const ours = "Orchestrix"

// ourLedger is a pipeline with a decider, running, over the store in memory.
type ourLedger struct {
	pipeline *pipeline.Pipeline
	store    *memory.Store
	cmds     []*engine.Command
	block    bool
	cancel   context.CancelFunc
	running  sync.WaitGroup
	ended    error
}

// openSend sends and does not wait.
func openSend(ctx context.Context, w *bench.Workload) (ledger, error) {
	return newOurLedger(ctx, w, false)
}

// openDo waits for the outcome of each command.
func openDo(ctx context.Context, w *bench.Workload) (ledger, error) {
	return newOurLedger(ctx, w, true)
}

func newOurLedger(ctx context.Context, w *bench.Workload, block bool) (*ourLedger, error) {
	registry := engine.NewRegistry()
	d := engine.NewDecider(registry, "account", func() int64 { return 0 })
	engine.Decide(d, "account.deposit", func(_ context.Context, _ int64, deposit bench.Deposit) ([]any, error) {
		decided, err := decide(deposit)
		return []any{decided}, err
	})
	engine.Evolve(d, "account.deposited", func(cents int64, e bench.Deposited) int64 { return cents + e.Cents })
	l := &ourLedger{store: memory.New(), cmds: make([]*engine.Command, w.Commands()), block: block}
	for i := range l.cmds {
		account, deposit := w.Command(i)
		l.cmds[i] = engine.NewCommand(account, deposit)
	}
	var err error
	l.pipeline, err = pipeline.New(registry, sinks.NewStore(l.store), pipeline.Options{})
	if err != nil {
		return nil, err
	}
	ctx, l.cancel = context.WithCancel(ctx)
	l.running.Go(func() { _, l.ended = l.pipeline.Run(ctx) })
	return l, nil
}

func (l *ourLedger) send(ctx context.Context, i int) error {
	if l.block {
		_, err := l.pipeline.Do(ctx, l.cmds[i])
		return err
	}
	_, err := l.pipeline.Send(ctx, l.cmds[i])
	return err
}

// wait stops the pipeline, which then finishes what it admitted.
func (l *ourLedger) wait(context.Context) error {
	l.cancel()
	l.running.Wait()
	return l.ended
}

func (l *ourLedger) stored() iter.Seq[bench.Stored] {
	return func(yield func(bench.Stored) bool) {
		for e, err := range l.store.Read(context.Background(), 0) {
			if err != nil {
				return // what is not read counts as lost
			}
			s := bench.Stored{Account: e.Subject, Version: uint64(e.Version), Number: e.Data.(bench.Deposited).Number}
			if !yield(s) {
				return
			}
		}
	}
}

func (l *ourLedger) close() error { return l.wait(context.Background()) }

// ourReady is a command that does nothing: its outcome says that the pipeline runs.
type ourReady struct{}

// ourNotice is the command of the study of handlers that wait.
type ourNotice struct{ message int }

// ourBoard is a pipeline with five handlers of a command, running.
type ourBoard struct {
	pipeline *pipeline.Pipeline
	cmds     []*engine.Command
	cancel   context.CancelFunc
	running  sync.WaitGroup
	ended    error
}

// openOurBoard gives every message an aggregate and a worker of its own.
func openOurBoard(ctx context.Context, j *joins) (board, error) {
	registry := engine.NewRegistry()
	for i := range handlers {
		engine.OnCommand(registry, "notice", fmt.Sprintf("handler-%d", i+1),
			func(_ context.Context, _ *engine.Command, n ourNotice) ([]any, error) {
				j.handle(n.message)
				return nil, nil
			})
	}
	engine.OnCommand(registry, "ready", "ready", func(context.Context, *engine.Command, ourReady) ([]any, error) { return nil, nil })
	b := &ourBoard{}
	for i := range j.done {
		b.cmds = append(b.cmds, engine.NewCommand(fmt.Sprintf("message-%d", i), ourNotice{i}))
	}
	var err error
	b.pipeline, err = pipeline.New(registry, sinks.NewStore(memory.New()), pipeline.Options{Workers: len(b.cmds)})
	if err != nil {
		return nil, err
	}
	ctx, b.cancel = context.WithCancel(ctx)
	b.running.Go(func() { _, b.ended = b.pipeline.Run(ctx) })
	_, err = b.pipeline.Do(ctx, engine.NewCommand("ready", ourReady{}))
	return b, err
}

func (b *ourBoard) publish(ctx context.Context, message int) error {
	_, err := b.pipeline.Send(ctx, b.cmds[message])
	return err
}

func (b *ourBoard) close() error {
	b.cancel()
	b.running.Wait()
	return b.ended
}
