package bench

import (
	"context"
	"errors"
	"sync"

	"github.com/reugn/go-streams"
	"github.com/reugn/go-streams/extension"
	"github.com/reugn/go-streams/flow"
)

// Baselines of plain go-streams, from its stock parts as its documentation joins them. Ours plugs into the same
// interfaces, so these show what a chain costs that has nothing else.

// streamChain does the workload by go-streams: source → map (decide) → map (append) → sink. Parallelism is 1, because the
// Map of go-streams reorders with more.
func streamChain(w *Workload) func(ctx context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		cmds, store := w.byHand(), newHandStore()
		return w.Rate(func() error { return runChain(ctx, cmds, store) }, store.stored)
	}
}

// runChain returns when the sink has taken the last event. Stages of go-streams cannot fail: the first error is kept aside,
// and the sink sees nil.
func runChain(ctx context.Context, cmds []handCommand, store *handStore) error {
	var decideErr, appendErr error
	decide := flow.NewMap(func(cmd *handCommand) *handEvent {
		e, err := cmd.event()
		if err != nil {
			decideErr = err
		}
		return e
	}, 1)
	keep := flow.NewMap(func(e *handEvent) *handEvent {
		if e == nil {
			return nil
		}
		if err := store.append(store.version(e.Account), e); err != nil {
			appendErr = err
			return nil
		}
		return e
	}, 1)
	err := stream(ctx, cmds, func(source streams.Source) streams.Flow { return source.Via(decide).Via(keep) }, func(any) {})
	return errors.Join(decideErr, appendErr, err)
}

// stream sends pointers to the elements through a chain, has out called with what comes out of it, and returns when
// nothing more will.
func stream[T any](
	ctx context.Context, elements []T, chain func(streams.Source) streams.Flow, out func(element any),
) error {
	// The feeder below sends and closes, the first stage receives; room for 1024, as for the stages by hand.
	in := make(chan any, 1024)
	// The sink sends, the reader below receives, the last stage closes; room for 1024.
	last := make(chan any, 1024)
	var ends sync.WaitGroup
	ends.Go(func() {
		defer close(in)
		for i := range elements {
			if i%handBatch == 0 && ctx.Err() != nil {
				return
			}
			in <- &elements[i]
		}
	})
	ends.Go(func() {
		for element := range last {
			out(element)
		}
	})
	chain(extension.NewChanSource(in)).To(extension.NewChanSink(last))
	ends.Wait()
	return ctx.Err()
}
