package main

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/bench"
)

// A ledger is one library that is set up, and started, to do the deposits of a workload.
type ledger interface {
	// send hands in command i of the workload. It returns when the library takes it or, where the library blocks, when
	// its event is stored. An error means that the library refused the command.
	send(ctx context.Context, i int) error
	// wait blocks until every command of the workload is handled, when send does not. It is called after the last send.
	wait(ctx context.Context) error
	// stored gives the events back in the sequence in which they were appended.
	stored() iter.Seq[bench.Stored]
	// close stops what the library started, and waits for it.
	close() error
}

// A setup is one way to set up a library for deposits.
type setup struct {
	name   string
	blocks bool // send returns when the command is handled
	open   func(ctx context.Context, w *bench.Workload) (ledger, error)
}

// tally counts down to the last of n.
type tally struct {
	left atomic.Int64
	all  chan struct{} // closed by the last tick, received from by wait
}

func newTally(n int) *tally {
	t := &tally{all: make(chan struct{})} // nothing is sent, so no room
	t.left.Store(int64(n))
	return t
}

// tick says that one of n is done with.
func (t *tally) tick() {
	if t.left.Add(-1) == 0 {
		close(t.all)
	}
}

// wait blocks until the last tick.
func (t *tally) wait(ctx context.Context) error {
	select {
	case <-t.all:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("peers: %d were never handled: %w", t.left.Load(), context.Cause(ctx))
	}
}

// patience is how long one run of one way may take. Nothing here takes a tenth of it.
const patience = 60 * time.Second

// patient runs a way, but not for ever: a library that lost a command would make the measurement hang.
func patient(run func(ctx context.Context) (bench.Sample, error)) func(ctx context.Context) (bench.Sample, error) {
	return func(ctx context.Context) (bench.Sample, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return run(ctx)
	}
}

// verdict says what a ledger made of a workload.
type verdict struct {
	broken  int // events that have not the next version of their account, or are there twice
	swapped int // other events whose neighbour ahead, of the same account, is of a later deposit
	lost    int // commands that were accepted and are not stored
}

// judge reads a ledger back that accepted so many commands.
func judge(l ledger, accepted int) verdict {
	type deposit struct {
		account string
		number  int64
	}
	var v verdict
	found := map[deposit]bool{}
	last := map[string]bench.Stored{}
	for e := range l.stored() {
		before, at := last[e.Account], deposit{e.Account, e.Number}
		switch {
		case e.Version != before.Version+1 || found[at]:
			v.broken++
		case e.Number < before.Number:
			v.swapped++
		}
		found[at] = true
		last[e.Account] = e
	}
	v.lost = max(0, accepted-len(found))
	return v
}
