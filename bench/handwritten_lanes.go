package bench

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"sync"
	"time"
)

const (
	handShards = 2   // goroutines that own lanes
	handBatch  = 256 // commands in one channel operation
)

// handShared deals commands in batches to goroutines that each own a share of the accounts, and returns when all are done.
// It is what all hand-written lanes share.
//
// A batch goes back to the dealer when it is done, so that none is allocated twice. The first error of a shard is returned;
// what comes after it is thrown away. A context that is done ends the deal.
func handShared[C any](ctx context.Context, cmds []C, account func(*C) string, work func(shard int, batch []C) error) error {
	var full, free [handShards]chan []C
	errs := make([]error, handShards)
	var shards sync.WaitGroup
	for s := range handShards {
		full[s] = make(chan []C, 8) // the dealer sends and closes, the shard receives; enough that neither waits for long
		free[s] = make(chan []C, 8) // the shard sends back, the dealer receives, nobody closes; room for all that full holds
		shards.Go(func() {
			for batch := range full[s] {
				if errs[s] == nil {
					errs[s] = work(s, batch)
				}
				select {
				case free[s] <- batch[:0]:
				default: // the dealer has enough
				}
			}
		})
	}
	seed := maphash.MakeSeed()
	var open [handShards][]C
	deal := func(s int) {
		full[s] <- open[s]
		select {
		case open[s] = <-free[s]:
		default:
			open[s] = make([]C, 0, handBatch)
		}
	}
	for i := range cmds {
		if i%handBatch == 0 && ctx.Err() != nil {
			break
		}
		s := maphash.String(seed, account(&cmds[i])) % handShards
		if open[s] = append(open[s], cmds[i]); len(open[s]) == handBatch {
			deal(int(s))
		}
	}
	for s := range handShards {
		deal(s)
		close(full[s])
	}
	shards.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// handLane is one account: its events in version sequence, and its state. It belongs to one shard.
type handLane struct {
	events  []handEvent
	balance int64
}

// append adds an event if the lane is at the expected version.
func (l *handLane) append(expected uint64, e handEvent) error {
	if uint64(len(l.events)) != expected {
		return fmt.Errorf("bench: %s is at version %d, not %d", e.Account, len(l.events), expected)
	}
	e.Version = expected + 1
	l.events = append(l.events, e)
	return nil
}

// handPlace says where an event of the log stands: a lane moves its events when it grows.
type handPlace struct {
	lane    *handLane
	version uint64
}

func (p handPlace) event() *handEvent { return &p.lane.events[p.version-1] }

// handLog is the log of all events, a chunk for each batch.
type handLog struct {
	mu     sync.Mutex
	end    uint64 // position of the last event
	chunks [][]handPlace
}

// append adds events that are in their lanes already, and gives them their positions.
func (l *handLog) append(chunk []handPlace) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range chunk {
		l.end++
		p.event().Position = l.end
	}
	l.chunks = append(l.chunks, chunk)
}

// stored gives the log back to be judged. Nobody may append meanwhile.
func (l *handLog) stored() iter.Seq[Stored] {
	return func(yield func(Stored) bool) {
		for _, chunk := range l.chunks {
			for _, p := range chunk {
				if !yield(p.event().stored()) {
					return
				}
			}
		}
	}
}

// handLanes is the yardstick: batched lanes with an envelope that can hold any event, a slice of them for each account.
func handLanes(w *Workload) func(ctx context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		cmds, log := w.byHand(), &handLog{}
		shards := [handShards]map[string]*handLane{{}, {}}
		return w.Rate(func() error {
			return handShared(ctx, cmds, handAccount,
				func(shard int, batch []handCommand) error { return handTurn(shards[shard], log, batch) })
		}, log.stored)
	}
}

// handTurn does one batch of a shard: decide, append to the lane, and then all of it to the log under one lock.
func handTurn(lanes map[string]*handLane, log *handLog, batch []handCommand) error {
	now := time.Now()
	places := make([]handPlace, 0, len(batch))
	for i := range batch {
		cmd := &batch[i]
		lane := lanes[cmd.Account]
		if lane == nil {
			lane = &handLane{}
			lanes[cmd.Account] = lane
		}
		decided, err := decideByHand(cmd.Data)
		if err != nil {
			return err
		}
		expected := uint64(len(lane.events))
		err = lane.append(expected, handEvent{
			ID: idByHand(now), Type: handType, Account: cmd.Account, Time: now, Data: decided,
		})
		if err != nil {
			return err
		}
		lane.balance += decided.Cents
		places = append(places, handPlace{lane, expected + 1})
	}
	log.append(places)
	return nil
}
