package pipeline

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/orchestrix-go/orchestrix/engine"
)

// round is turns whose batches go to the sink together and are settled together, with one lock for each thing that is
// shared: as a rule those of one row; one alone when its worker is left to code that does not return, or in Dispatch. It is
// used again when it is over.
type round struct {
	p       *Pipeline
	turns   []*turn
	next    int // turn to be settled
	batches []*engine.Batch
	open    atomic.Int64 // batches not yet settled
	life    atomic.Int64 // how often the round was used
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
	p := r.p // the round may be another one when emit returns
	life, err := r.life.Load(), errExited
	defer func() {
		if err != nil && r.life.Load() == life { // else all was settled, and a teller of an outcome ended this goroutine
			p.halt(fmt.Errorf("pipeline: what the store sink had may be lost: %w", err))
		}
	}()
	err = caught(func() error { p.emit(ctx, r.batches); return nil })
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
	r.p.meter.add(&r.tally)
	r.settleTurns()
}

// settleTurns settles the turns that are not yet, also on the way out of a goroutine that an outcome's teller has ended.
func (r *round) settleTurns() {
	defer func() {
		if r.next < len(r.turns) {
			r.settleTurns()
		} else {
			r.over()
		}
	}()
	for r.next < len(r.turns) {
		r.next++
		r.turns[r.next-1].settleEach()
	}
}

// over lets the lanes go. Where it is a worker that settles, whoever got places in the window gets to run first: else the
// workers would go on until no lane is ready, and fall asleep before there is more. A sink's own goroutine goes on: the
// outcomes of others wait for it.
func (r *round) over() {
	p, stored := r.p, r.tally.Commands
	p.lanes.finish(r.turns...)
	r.reset()
	p.rounds.Put(r)
	if stored > 0 && p.window.release(stored) && p.instant {
		runtime.Gosched()
	}
}

func (r *round) reset() {
	clear(r.turns)
	clear(r.batches)
	r.turns, r.batches = r.turns[:0], r.batches[:0]
	r.p, r.next = nil, 0
	r.life.Add(1)
	r.tally.reset()
}
