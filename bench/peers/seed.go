package main

import (
	"context"
	"fmt"
	"time"

	"github.com/orchestrix-go/orchestrix/bench"
)

const (
	seedMessages = 100
	seedWait     = time.Millisecond
	seedOne      = "one wait of 1 ms: the limit"
)

// seed measures what is left of a wait when handlers wait. It has one size, whatever the effort.
func seed(ctx context.Context, e effort) (bench.Study, error) {
	ways := []bench.Way{}
	for _, b := range append([]boardSetup{ourFive, chainBoard}, boards...) {
		ways = append(ways, bench.Way{Name: b.name, Ours: b.name == ourFive.name, Run: func(ctx context.Context) (bench.Sample, error) {
			took, _, err := b.fanOut(ctx, seedMessages, func() { time.Sleep(seedWait) })
			return bench.Sample{Value: milliseconds(took)}, err
		}})
	}
	ways = append(ways, bench.Way{Name: seedOne, Run: func(context.Context) (bench.Sample, error) {
		began := time.Now()
		time.Sleep(seedWait)
		return bench.Sample{Value: milliseconds(time.Since(began))}, nil
	}})
	rows, err := bench.Measure(ctx, e.runs, ways)
	if err != nil {
		return bench.Study{}, err
	}
	s := bench.Study{
		Name: "peers-seed", Unit: "ms", Less: true, Rows: rows,
		Work: fmt.Sprintf("%d messages, each with %d handlers that wait 1 ms, until the last has returned", seedMessages, handlers),
		Notes: []string{
			"Watermill without a wait for the acknowledgement starts a goroutine for each message and handler, without a limit " +
				"and without a sequence.",
			"Actors, and the subscriptions of goes and Event Horizon, handle one message after another.",
			"Each run is one time, right after the setting up: its figures are above those of the study seed, which does it " +
				"twenty times in a row.",
		},
	}
	s.Finding = fmt.Sprintf("%d waits of 1 ms take %.1f ms: go-streams takes %.1f ms, Proto.Actor %.0f ms, Event Horizon %.0f ms",
		seedMessages*handlers, s.Row(ourFive.name).Median(), s.Row(chainBoard.name).Median(), s.Row(actorFive.name).Median(),
		s.Row(horizonFive.name).Median())
	return s, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
