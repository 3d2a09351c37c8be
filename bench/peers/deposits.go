package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/orchestrix-go/orchestrix/bench"
)

const (
	accounts = 1000
	handWay  = "by hand: batched lanes, Event{any}"
	chainWay = "go-streams: Map chain"
)

// ledgers are the peers in the study of deposits, each with the number of commands of a full measurement: the slow get
// fewer, or they would take minutes.
var ledgers = []struct {
	setup
	most int
}{
	{actors, 200_000},
	{millAsync, 30_000},
	{millBlocking, 30_000},
	{horizon, 20_000},
	{goesCached, 5000},
	{goesBus, 2000},
}

// baselines are the rows of the pipeline study that are measured again beside the peers.
var baselines = []string{ours, ours + ": handler, no state", handWay, "by hand: four stages, one by one", chainWay}

// deposits measures how many commands a second become events in memory.
func deposits(ctx context.Context, e effort) (bench.Study, error) {
	w := bench.NewWorkload(e.size(200_000), e.size(accounts))
	ways, err := depositWays(w, e)
	if err != nil {
		return bench.Study{}, err
	}
	rows, err := bench.Measure(ctx, e.runs, bench.Warm(ways))
	if err != nil {
		return bench.Study{}, err
	}
	s := bench.Study{
		Name: "peers", Unit: "commands/s", Rows: rows,
		Work: fmt.Sprintf("commands over %d aggregates in turn, from one goroutine, decided, made into one event each and "+
			"appended in memory with the expected version; read back and judged afterwards", w.Accounts()),
		Columns: append(bench.RateColumns("command"), "out of sequence", "lost", "commands"),
		Notes: []string{
			"Out of sequence are events whose neighbour ahead, of the same aggregate, arrived later, and versions that are missing or " +
				"there twice.",
			"The slow get fewer commands: the last column says how many. A rate is a second's.",
			"Watermill and Proto.Actor store nothing: behind them is a store by hand. Watermill turns each command into JSON and back.",
			"Event Horizon loads the aggregate for each command, and has up to 20 events to load.",
			"Event Horizon and goes work in the goroutine that calls them. A caller who shares the aggregates out among goroutines " +
				"would get more, and would have to keep the sequence himself.",
			"The store in memory of goes looks at all its events for each one that it takes: more commands make it slower. Its command " +
				"bus now and then misses an answer; the command is sent again after 50 ms.",
		},
	}
	s.Checks = []bench.Check{
		bench.AtLeast("Orchestrix / go-streams", s.Ratio(ours, chainWay), 3),
		// The faster of the two, even if it is the one that takes one command at a time.
		bench.AtLeast("Orchestrix / Watermill", min(s.Ratio(ours, millAsync.name), s.Ratio(ours, millBlocking.name)), 30),
		bench.AtLeast("Orchestrix / Event Horizon", s.Ratio(ours, horizon.name), 60),
	}
	s.Finding = fmt.Sprintf("One stream of commands: %.1f times go-streams, %.0f times Watermill, %.0f times Event Horizon",
		s.Checks[0].Value, s.Checks[1].Value, s.Checks[2].Value)
	return s, nil
}

// depositWays are the baselines and the peers.
func depositWays(w *bench.Workload, e effort) ([]bench.Way, error) {
	ways, err := pick(bench.PipelineWays(w), baselines)
	if err != nil {
		return nil, err
	}
	for i, way := range ways {
		ways[i] = judged(way, w)
	}
	for _, l := range ledgers {
		ways = append(ways, bench.Way{Name: l.name, Run: l.rate(bench.NewWorkload(e.size(l.most), e.size(accounts)))})
	}
	return ways, nil
}

// judged gives a way of package bench the columns of the peers. Its own verdict counts what is lost together with what is
// out of sequence: only when that is nothing is it known what each is, and nothing it has to be.
func judged(way bench.Way, w *bench.Workload) bench.Way {
	run := way.Run
	way.Run = func(ctx context.Context) (bench.Sample, error) {
		sample, err := run(ctx)
		if err != nil {
			return sample, err
		}
		if wrong := sample.Columns[2]; wrong != 0 {
			return sample, fmt.Errorf("%v events are lost or out of sequence", wrong)
		}
		sample.Columns = append(sample.Columns[:3:3], 0, float64(w.Commands()))
		return sample, nil
	}
	return way
}

// rate runs a workload through a new ledger and times it, and not the setting up.
func (s setup) rate(w *bench.Workload) func(ctx context.Context) (bench.Sample, error) {
	return patient(func(ctx context.Context) (bench.Sample, error) {
		l, err := s.open(ctx, w)
		if err != nil {
			return bench.Sample{}, err
		}
		sample, err := bench.Rate(w.Commands(), func() error {
			for i := range w.Commands() {
				if err := l.send(ctx, i); err != nil {
					return err
				}
			}
			return l.wait(ctx)
		})
		v := judge(l, w.Commands())
		sample.Columns = append(sample.Columns, float64(v.broken+v.swapped), float64(v.lost), float64(w.Commands()))
		return sample, errors.Join(err, l.close())
	})
}
