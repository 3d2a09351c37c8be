package bench

import (
	"context"
	"fmt"
	"hash/maphash"
	"runtime"
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// tripRecord is an event as a program keeps it that is written for this one purpose: a plain struct, no envelope.
type tripRecord struct {
	id, command engine.ID
	at          time.Time
	n           int
}

// tripLane is the stream of one aggregate.
type tripLane struct {
	mu      sync.Mutex
	records []tripRecord
}

// tripAppend asks for one record behind the expected version.
type tripAppend struct {
	lane     *tripLane
	expected int
	command  engine.ID
	n        int
	reply    chan<- int // where the last stage sends the version, 0 for a conflict
}

// append makes the event and adds it if the version is the expected one. It gives the new version, 0 for a conflict.
func (l *tripLane) append(a tripAppend) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.records) != a.expected {
		return 0
	}
	l.records = append(l.records, tripRecord{engine.NewID(), a.command, time.Now(), a.n})
	return len(l.records)
}

// handTrips appends the commands one after another, in the caller's goroutine when hops is 0, otherwise behind so many
// channel hops, with a chain of goroutines for each shard of the aggregates.
func handTrips(ctx context.Context, cmds []*engine.Command, hops int) (Sample, error) {
	lanes := map[string]*tripLane{}
	for _, cmd := range cmds {
		if lanes[cmd.Subject] == nil {
			lanes[cmd.Subject] = &tripLane{}
		}
	}
	var chains []chan<- tripAppend
	var stages sync.WaitGroup
	if hops > 0 {
		for range runtime.GOMAXPROCS(0) {
			chains = append(chains, tripChain(&stages, hops))
		}
	}
	seed := maphash.MakeSeed()
	// The last stage sends, the caller receives, nobody closes; one place, because one call is under way.
	reply := make(chan int, 1)
	times, err := timeCalls(ctx, len(cmds), func(i int) error {
		cmd := cmds[i]
		a := tripAppend{lane: lanes[cmd.Subject], expected: i / len(lanes), command: cmd.ID, n: i, reply: reply}
		version := 0
		if hops == 0 {
			version = a.lane.append(a)
		} else {
			chains[maphash.String(seed, cmd.Subject)%uint64(len(chains))] <- a
			version = <-reply
		}
		if version != a.expected+1 {
			return fmt.Errorf("%s: conflict at version %d", cmd.Subject, a.expected)
		}
		return nil
	})
	for _, inlet := range chains {
		close(inlet)
	}
	stages.Wait()
	if err != nil {
		return Sample{}, err
	}
	return tripSample(times), nil
}

// tripChain starts a chain of stages and gives its inlet. Each stage passes the append on, the last one does it. They end
// when the inlet is closed.
func tripChain(stages *sync.WaitGroup, hops int) chan<- tripAppend {
	var out chan<- tripAppend // of the last stage: none
	for range hops {
		// The stage before or the caller sends and closes, the stage receives; one place, because one call is under way.
		in := make(chan tripAppend, 1)
		next := out
		stages.Go(func() {
			for a := range in {
				if next == nil {
					a.reply <- a.lane.append(a)
				} else {
					next <- a
				}
			}
			if next != nil {
				close(next)
			}
		})
		out = in
	}
	return out
}
