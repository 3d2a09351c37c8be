package bench

import (
	"context"
	"iter"
)

// typedCommand and typedEvent are what is left when every account has one kind of command and event, known to the compiler:
// no envelope, no id, no time, no log of all, nothing to allocate.
type typedCommand struct {
	Account string
	Deposit
}

type typedEvent struct {
	Version uint64
	Deposited
}

type typedLane struct {
	account string
	events  []typedEvent
	balance int64
}

// typedLanes is how fast it goes without the envelope: the limit of the machine.
func typedLanes(w *Workload) func(ctx context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		cmds := make([]typedCommand, w.commands)
		for i := range cmds {
			cmds[i].Account, cmds[i].Deposit = w.Command(i)
		}
		shards := [handShards]map[string]*typedLane{{}, {}}
		return w.Rate(func() error {
			return handShared(ctx, cmds, func(c *typedCommand) string { return c.Account },
				func(shard int, batch []typedCommand) error { return typedTurn(shards[shard], batch) })
		}, func() iter.Seq[Stored] { return typedStored(shards[:]) })
	}
}

// typedTurn does one batch of a shard.
func typedTurn(lanes map[string]*typedLane, batch []typedCommand) error {
	for i := range batch {
		cmd := &batch[i]
		lane := lanes[cmd.Account]
		if lane == nil {
			lane = &typedLane{account: cmd.Account}
			lanes[cmd.Account] = lane
		}
		decided, err := decideDeposit(cmd.Deposit)
		if err != nil {
			return err
		}
		lane.events = append(lane.events, typedEvent{uint64(len(lane.events)) + 1, decided})
		lane.balance += decided.Cents
	}
	return nil
}

func typedStored(shards []map[string]*typedLane) iter.Seq[Stored] {
	return func(yield func(Stored) bool) {
		for _, lanes := range shards {
			for _, lane := range lanes {
				for _, e := range lane.events {
					if !yield(Stored{Account: lane.account, Version: e.Version, Number: e.Number}) {
						return
					}
				}
			}
		}
	}
}
