package bench

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"
)

// The yardstick again with one idea more: the events of a batch are allocated together in the log and stay where they are,
// and a lane holds only pointers to them. It saves the copies that a growing slice of events makes.

// chunkLane is one account.
type chunkLane struct {
	events  []*handEvent
	balance int64
}

// append adds an event if the lane is at the expected version.
func (l *chunkLane) append(expected uint64, e *handEvent) error {
	if uint64(len(l.events)) != expected {
		return fmt.Errorf("bench: %s is at version %d, not %d", e.Account, len(l.events), expected)
	}
	e.Version = expected + 1
	l.events = append(l.events, e)
	return nil
}

// chunkLog is the log of all events, a chunk for each batch.
type chunkLog struct {
	mu     sync.Mutex
	end    uint64 // position of the last event
	chunks [][]handEvent
}

// append adds events that are in their lanes already, and gives them their positions.
func (l *chunkLog) append(chunk []handEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range chunk {
		l.end++
		chunk[i].Position = l.end
	}
	l.chunks = append(l.chunks, chunk)
}

// stored gives the log back to be judged. Nobody may append meanwhile.
func (l *chunkLog) stored() iter.Seq[Stored] {
	return func(yield func(Stored) bool) {
		for _, chunk := range l.chunks {
			for i := range chunk {
				if !yield(chunk[i].stored()) {
					return
				}
			}
		}
	}
}

func chunkLanes(w *Workload) func(ctx context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		cmds, log := w.byHand(), &chunkLog{}
		shards := [handShards]map[string]*chunkLane{{}, {}}
		return w.Rate(func() error {
			return handShared(ctx, cmds, handAccount,
				func(shard int, batch []handCommand) error { return chunkTurn(shards[shard], log, batch) })
		}, log.stored)
	}
}

// chunkTurn does one batch of a shard, as handTurn does.
func chunkTurn(lanes map[string]*chunkLane, log *chunkLog, batch []handCommand) error {
	now := time.Now()
	chunk := make([]handEvent, len(batch))
	for i := range batch {
		cmd, e := &batch[i], &chunk[i]
		lane := lanes[cmd.Account]
		if lane == nil {
			lane = &chunkLane{}
			lanes[cmd.Account] = lane
		}
		decided, err := decideByHand(cmd.Data)
		if err != nil {
			return err
		}
		e.ID, e.Type, e.Account, e.Time, e.Data = idByHand(now), handType, cmd.Account, now, decided
		if err := lane.append(uint64(len(lane.events)), e); err != nil {
			return err
		}
		lane.balance += decided.Cents
	}
	log.append(chunk)
	return nil
}
