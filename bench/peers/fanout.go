package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/orchestrix-go/orchestrix/bench"
)

const chainFive = "go-streams: FanOut + Map + ZipWith"

// boards are the peers in the studies of fan-out.
var boards = []boardSetup{actorFive, millFive, millFiveAcks, goesFive, horizonFive}

// fanBaselines are the rows of the fan-out study that are measured again beside the peers.
var fanBaselines = []string{ours, "by hand: goroutines + WaitGroup per command", chainFive}

// fanOut measures what it costs to call five handlers that do nothing and to join them.
func fanOut(ctx context.Context, e effort) (bench.Study, error) {
	ways, err := fanOutWays(e)
	if err != nil {
		return bench.Study{}, err
	}
	rows, err := bench.Measure(ctx, e.runs, bench.Warm(ways))
	if err != nil {
		return bench.Study{}, err
	}
	s := bench.Study{
		Name: "peers-fanout", Unit: "commands/s", Rows: rows,
		Work:    fmt.Sprintf("commands with %d handlers each that do nothing, joined for each command", handlers),
		Columns: append(bench.RateColumns("command"), "commands"),
		Notes: []string{
			"The slow get fewer commands: the last column says how many. A rate is a second's.",
			"Where a library has no join, its handlers count down to the last for each command.",
			"Five actors call and count; no command is admitted, sequenced or kept for them.",
			"The local event bus of Event Horizon waits 1 ms for each event, to look like a network, and drops what comes when " +
				"1000 are waiting: it gets fewer.",
		},
	}
	s.Checks = []bench.Check{bench.AtLeast("Orchestrix / go-streams", s.Ratio(ours, chainFive), 6)}
	s.Finding = fmt.Sprintf("Five handlers called and joined: %.1f times as often as by go-streams and %.0f times as often as by Watermill, %.1f as often as by five actors",
		s.Ratio(ours, chainFive), min(s.Ratio(ours, millFive.name), s.Ratio(ours, millFiveAcks.name)), s.Ratio(ours, actorFive.name))
	return s, nil
}

func fanOutWays(e effort) ([]bench.Way, error) {
	n := e.size(100_000)
	ways, err := pick(bench.FanOutWays(n), fanBaselines)
	if err != nil {
		return nil, err
	}
	for i, way := range ways {
		ways[i].Run = func(ctx context.Context) (bench.Sample, error) {
			sample, err := way.Run(ctx)
			sample.Columns = append(slices.Clip(sample.Columns), float64(n))
			return sample, err
		}
	}
	for _, b := range boards {
		n := e.size(b.most)
		ways = append(ways, bench.Way{Name: b.name, Run: func(ctx context.Context) (bench.Sample, error) {
			_, sample, err := b.fanOut(ctx, n, func() {})
			sample.Columns = append(sample.Columns, float64(n))
			return sample, err
		}})
	}
	return ways, nil
}

// pick gives the ways of package bench that have these names, in their sequence.
func pick(ways []bench.Way, names []string) ([]bench.Way, error) {
	var picked []bench.Way
	for _, name := range names {
		i := slices.IndexFunc(ways, func(way bench.Way) bool { return way.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("peers: package bench has no way %q any more", name)
		}
		picked = append(picked, ways[i])
	}
	return picked, nil
}
