package bench

import (
	"context"
	"errors"
	"sync"
)

// handStages is the pipeline that a tutorial shows: four goroutines that hand each other one thing at a time.
//
//	source ──command──▶ decide ──event──▶ number ──event──▶ append
func handStages(w *Workload) func(ctx context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		cmds, store := w.byHand(), newHandStore()
		return w.Rate(func() error { return runStages(ctx, cmds, store) }, store.stored)
	}
}

// runStages returns when every stage has ended. After an error the stages go on to receive, so that none before is stuck.
func runStages(ctx context.Context, cmds []handCommand, store *handStore) error {
	var decideErr, appendErr error
	var stages sync.WaitGroup
	// Each is sent to and closed by the stage before it and received from by the stage behind; room for 1024, so that a
	// stage that is off the processor for a while holds up no other.
	commands, decided, numbered := make(chan *handCommand, 1024), make(chan *handEvent, 1024), make(chan *handEvent, 1024)
	stages.Go(func() {
		defer close(commands)
		for i := range cmds {
			if i%handBatch == 0 && ctx.Err() != nil {
				return
			}
			commands <- &cmds[i]
		}
	})
	stages.Go(func() {
		defer close(decided)
		for cmd := range commands {
			e, err := cmd.event()
			if err != nil {
				decideErr = err
				continue
			}
			decided <- e
		}
	})
	stages.Go(func() {
		defer close(numbered)
		versions := map[string]uint64{}
		for e := range decided {
			versions[e.Account]++
			e.Version = versions[e.Account]
			numbered <- e
		}
	})
	stages.Go(func() {
		for e := range numbered {
			if err := store.append(e.Version-1, e); err != nil && appendErr == nil {
				appendErr = err
			}
		}
	})
	stages.Wait()
	return errors.Join(decideErr, appendErr, ctx.Err())
}
