package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// sequenceWay does the workload, command i after a wait of waits[i], and gives what it stored, in the sequence of the log.
type sequenceWay func(ctx context.Context, w *Workload, waits []time.Duration) ([]Stored, error)

// traced runs a way, and draws what the store says into the trace.
func traced(w *Workload, trace *Trace, waits []time.Duration, way sequenceWay) func(ctx context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		var stored []Stored
		took, err := milliseconds(func() (err error) {
			stored, err = way(ctx, w, waits)
			return err
		})
		if err == nil {
			trace.Out, err = arrivals(stored, w.Commands())
		}
		return Sample{Value: float64(trace.Swaps()), Columns: []float64{took.Value}}, err
	}
}

// arrivals gives for each command, in the sequence of arrival, the place of its event in the store. Every command must have
// one event: a diagram cannot show what is lost.
func arrivals(stored []Stored, commands int) ([]int, error) {
	if len(stored) != commands {
		return nil, fmt.Errorf("bench: %d commands have %d events", commands, len(stored))
	}
	out := make([]int, commands)
	for i := range out {
		out[i] = -1
	}
	for at, e := range stored {
		arrival := int(e.Number) - 1
		if arrival < 0 || arrival >= commands || out[arrival] >= 0 {
			return nil, fmt.Errorf("bench: deposit %d is not there once", e.Number)
		}
		out[arrival] = at
	}
	return out, nil
}

// inPipeline has a handler wait, and the belt restore the sequence.
func inPipeline(ctx context.Context, w *Workload, waits []time.Duration) ([]Stored, error) {
	registry, store := engine.NewRegistry(), memory.New()
	engine.RegisterEvent[Deposited](registry, "account.deposited")
	engine.OnCommand(registry, "account.deposit", "deposit",
		func(ctx context.Context, _ *engine.Command, d Deposit) ([]any, error) {
			if err := pause(ctx, waits[d.Number-1]); err != nil {
				return nil, err
			}
			return deposit(d)
		})
	p, err := pipeline.New(registry, sinks.NewStore(store), pipeline.Options{})
	if err != nil {
		return nil, err
	}
	if err := runAll(ctx, p, w.forOurs()); err != nil {
		return nil, err
	}
	var readErr error
	stored := slices.Collect(readBack(ctx, store, &readErr))
	return stored, readErr
}

// inGoroutines starts a goroutine for each command as it arrives; who is ready appends. The store is without fault: every
// version is there, and nothing is lost.
func inGoroutines(ctx context.Context, w *Workload, waits []time.Duration) ([]Stored, error) {
	store, cmds := newHandStore(), w.byHand()
	errs := make([]error, len(cmds))
	var all sync.WaitGroup
	for i := range cmds {
		all.Go(func() {
			e, err := cmds[i].event()
			if err == nil {
				err = pause(ctx, waits[i])
			}
			if err != nil {
				errs[i] = err
				return
			}
			store.appendNext(e)
		})
	}
	all.Wait()
	return slices.Collect(store.stored()), errors.Join(errs...)
}

// pause waits, or until the context is done.
func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
