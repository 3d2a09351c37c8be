package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
)

// latencyAggregates is how many aggregates the calls go to, in turn.
const latencyAggregates = 1000

// Rows that the check compares.
const (
	latencyDo        = "pipeline.Do"
	latencyGoroutine = "hand-written: lane goroutine + reply channel"
)

// Latency measures how long one command takes: a caller that waits for each, and commands that come on a schedule whether
// the ones before are done or not.
func Latency(ctx context.Context, effort Effort) ([]Study, error) {
	closed, err := closedLoop(ctx, effort.runs(), effort.size(50_000))
	if err != nil {
		return nil, err
	}
	inMemory, err := openLoop(ctx, effort.runs(), openLoad{n: effort.size(100_000)})
	if err != nil {
		return nil, err
	}
	durable, err := openLoop(ctx, effort.runs(), openLoad{n: effort.size(20_000), durable: true})
	if err != nil {
		return nil, err
	}
	return []Study{closed, inMemory, durable}, nil
}

// closedLoop measures the round trip of one blocking call, one after another.
func closedLoop(ctx context.Context, runs, calls int) (Study, error) {
	study := Study{
		Name: "latency-closed",
		Work: fmt.Sprintf("one caller, %s calls over %d aggregates in turn: each returns when its event is appended "+
			"with the expected version, in memory", Quantity(float64(calls), ""), latencyAggregates),
		Unit: "µs", Less: true, Columns: []string{"p99 µs", "p99.9 µs"},
	}
	work := tallyLoad{registry: decidedTally(), n: calls, aggregates: latencyAggregates}
	hand := func(hops int) func(context.Context) (Sample, error) {
		return func(ctx context.Context) (Sample, error) { return handTrips(ctx, work.commands(), hops) }
	}
	var err error
	study.Rows, err = Measure(ctx, runs, []Way{
		{Name: "hand-written: inline under a lane mutex", Run: hand(0)},
		{Name: latencyGoroutine, Run: hand(1)},
		{Name: "hand-written: four channel hops + reply channel", Run: hand(4)},
		{Name: latencyDo, Ours: true, Run: func(ctx context.Context) (Sample, error) { return doTrips(ctx, work) }},
	})
	if err != nil {
		return study, err
	}
	clock, err := timeCalls(ctx, calls, func(int) error { return nil })
	if err != nil {
		return study, err
	}
	ratio := study.Ratio(latencyDo, latencyGoroutine)
	study.Checks = []Check{AtMost("Do / goroutine + reply channel, p50", ratio, 4)}
	study.Finding = fmt.Sprintf("A blocking Do takes %s at the median, %.2g times a goroutine with a reply channel",
		Quantity(study.Row(latencyDo).Median(), study.Unit), ratio)
	study.Notes = []string{
		fmt.Sprintf("Samples are the p50 of each repetition. Every call is timed by itself; the clock alone shows %d ns of it.",
			clock.ValueAtQuantile(50)),
		"The hand-written ways make the same event as a plain struct and append it. They look up no command id, keep no " +
			"state, and survive no panic.",
	}
	return study, nil
}

// doTrips calls Do for one command after another, through a running pipeline.
func doTrips(ctx context.Context, work tallyLoad) (Sample, error) {
	cmds := work.commands()
	var times *hdrhistogram.Histogram
	err := work.inStore(ctx, func(store engine.Store) error {
		p, err := pipeline.New(work.registry, sinks.NewStore(store), work.options)
		if err != nil {
			return err
		}
		report, err := whileRunning(ctx, p, func(ctx context.Context) (err error) {
			times, err = timeCalls(ctx, work.n, func(i int) error {
				_, err := p.Do(ctx, cmds[i])
				return err
			})
			return err
		})
		if err != nil {
			return err
		}
		return work.verify(ctx, store, report)
	})
	if err != nil {
		return Sample{}, err
	}
	return tripSample(times), nil
}

// timeCalls makes n calls, one after another, and times each of them in nanoseconds.
func timeCalls(ctx context.Context, n int, call func(i int) error) (*hdrhistogram.Histogram, error) {
	times := newTimes()
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		began := time.Now()
		err := call(i)
		took := time.Since(began)
		if err != nil {
			return nil, err
		}
		recordTime(times, took)
	}
	return times, nil
}

// newTimes makes a histogram of nanoseconds, up to a minute, to 3 digits.
func newTimes() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(time.Minute), 3)
}

func recordTime(times *hdrhistogram.Histogram, took time.Duration) {
	_ = times.RecordValue(min(max(int64(took), 1), times.HighestTrackableValue())) // within bounds, so it cannot fail
}

// tripSample gives the p50, and the p99 and p99.9 as columns, in microseconds.
func tripSample(times *hdrhistogram.Histogram) Sample {
	at := func(percent float64) float64 { return float64(times.ValueAtQuantile(percent)) / 1e3 }
	return Sample{Value: at(50), Columns: []float64{at(99), at(99.9)}}
}
