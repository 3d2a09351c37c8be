package bench

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// drive gets all commands through a pipeline and returns when the last of them has its outcome.
type drive func(ctx context.Context, p *pipeline.Pipeline, cmds []*engine.Command) error

// ours does the workload through a pipeline, by nothing but the public API.
func ours(w *Workload, register func(*engine.Registry), drive drive) func(ctx context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		registry, store := engine.NewRegistry(), memory.New()
		register(registry)
		p, err := pipeline.New(registry, sinks.NewStore(store), pipeline.Options{})
		if err != nil {
			return Sample{}, err
		}
		cmds := w.forOurs()
		var readErr error
		sample, err := w.Rate(
			func() error { return drive(ctx, p, cmds) },
			func() iter.Seq[Stored] { return readBack(ctx, store, &readErr) },
		)
		return sample, errors.Join(err, readErr)
	}
}

// forOurs makes the commands as a pipeline takes them.
func (w *Workload) forOurs() []*engine.Command {
	cmds := make([]*engine.Command, w.commands)
	for i := range cmds {
		account, deposit := w.Command(i)
		cmds[i] = engine.NewCommand(account, deposit)
	}
	return cmds
}

// readBack reads the log of a store to be judged.
func readBack(ctx context.Context, store engine.Store, failed *error) iter.Seq[Stored] {
	return func(yield func(Stored) bool) {
		for e, err := range store.Read(ctx, 0) {
			if err != nil {
				*failed = err
				return
			}
			deposited, _ := e.Data.(Deposited) // another payload is number 0, which is wrong
			if !yield(Stored{Account: e.Subject, Version: uint64(e.Version), Number: deposited.Number}) {
				return
			}
		}
	}
}

// onDeposit registers the domain as a handler, which sees no earlier event.
func onDeposit(r *engine.Registry) {
	engine.RegisterEvent[Deposited](r, "account.deposited")
	engine.OnCommand(r, "account.deposit", "deposit",
		func(_ context.Context, _ *engine.Command, d Deposit) ([]any, error) { return deposit(d) })
}

// decideDeposits registers the domain as a decider, whose state is the balance.
func decideDeposits(r *engine.Registry) {
	d := engine.NewDecider(r, "account", func() (balance int64) { return 0 })
	engine.Decide(d, "account.deposit", func(_ context.Context, _ int64, d Deposit) ([]any, error) { return deposit(d) })
	engine.Evolve(d, "account.deposited", func(balance int64, e Deposited) int64 { return balance + e.Cents })
}

func deposit(d Deposit) ([]any, error) {
	if d.Cents < 1 {
		return nil, engine.Reject("a deposit of nothing")
	}
	return []any{Deposited(d)}, nil
}

// runSlice has the pipeline read the commands from a slice.
func runSlice(ctx context.Context, p *pipeline.Pipeline, cmds []*engine.Command) error {
	_, err := p.Run(ctx, sources.Slice(cmds))
	return err
}

// runSingles has it read them from a channel, one by one.
func runSingles(ctx context.Context, p *pipeline.Pipeline, cmds []*engine.Command) error {
	// The feeder sends and closes, the source receives; room for 1024, as for the stages by hand.
	singles := make(chan *engine.Command, 1024)
	var feeder sync.WaitGroup
	feeder.Go(func() {
		defer close(singles)
		for _, cmd := range cmds {
			select {
			case singles <- cmd:
			case <-ctx.Done():
				return
			}
		}
	})
	_, err := p.Run(ctx, sources.Chan(singles))
	feeder.Wait()
	return err
}

// runSenders has goroutines call Send, each for accounts of its own: the commands of one account have a sequence only if
// one goroutine sends them.
func (w *Workload) runSenders(senders int) drive {
	return func(ctx context.Context, p *pipeline.Pipeline, cmds []*engine.Command) error {
		errs := make([]error, senders)
		_, err := whileRunning(ctx, p, func(ctx context.Context) error {
			engine.FanOut(senders, func(s int) {
				for round := 0; round < len(cmds); round += len(w.accounts) { // one command for each account, see Command
					for i := round + s; i < min(round+len(w.accounts), len(cmds)); i += senders {
						if _, errs[s] = p.Send(ctx, cmds[i]); errs[s] != nil {
							return
						}
					}
				}
			})
			return errors.Join(errs...)
		})
		return err
	}
}
