package pipeline

import (
	"context"
	"sync/atomic"

	"github.com/orchestrix-go/orchestrix/engine"
)

// round is turns whose batches go to the sink together and are settled together, with one lock for each thing that is
// shared: as a rule those of one row; one alone when its handlers were waited for, or behind Dispatch. It is used again
// when it is over.
type round struct {
	p       *Pipeline
	turns   []*turn
	batches []*engine.Batch
	open    atomic.Int64 // batches not yet settled
	tally   tally
}

func (p *Pipeline) newRound() *round {
	r := p.rounds.Get().(*round)
	r.p = p
	return r
}

// add puts a turn into the round.
func (r *round) add(t *turn) {
	t.round = r
	r.turns = append(r.turns, t)
	r.batches = append(r.batches, &t.batch)
}

// emit hands the batches to the sink.
func (r *round) emit(ctx context.Context) {
	r.open.Store(int64(len(r.batches)))
	r.p.emit(ctx, r.batches)
}

// settled says that one of the batches is. With the last of them the round is over: every command gets its outcome or
// another turn, and the lanes are let go.
func (r *round) settled() {
	if r.open.Add(-1) > 0 {
		return
	}
	for _, t := range r.turns {
		t.count(&r.tally)
	}
	p, stored := r.p, r.tally.Commands
	p.meter.add(&r.tally)
	for _, t := range r.turns {
		t.settleEach()
	}
	p.lanes.finish(r.turns...)
	r.reset()
	p.rounds.Put(r)
	if stored > 0 {
		p.window.release(stored)
	}
}

func (r *round) reset() {
	clear(r.turns)
	clear(r.batches)
	r.turns, r.batches = r.turns[:0], r.batches[:0]
	r.tally.reset()
}
