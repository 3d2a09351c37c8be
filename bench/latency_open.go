package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
)

// openWindow is the most commands in flight: what so many callers have under way who wait for their answer.
const openWindow = 64

// openRates are the offered loads, in percent of what the same sender gets through when it never waits for a schedule.
var openRates = []int{20, 50, 80}

// The two ways to count one and the same run.
const (
	fromSchedule = "from the schedule"
	fromSend     = "from the send"
)

// openLoad is a run in which commands are sent on a schedule.
type openLoad struct {
	n       int
	rate    float64 // commands a second; 0 sends as fast as they are admitted
	durable bool
}

// openTimes are the times of each command, counted from the beginning of the run.
type openTimes struct {
	intended, sent, settled []time.Duration
}

// openLoop measures latencies at several rates. A sender that is held up sends late; counted from the send, that wait
// belongs to nobody (coordinated omission); counted from the schedule, it is part of the latency.
func openLoop(ctx context.Context, runs int, load openLoad) (Study, error) {
	study := openStudy(load)
	capacity, err := load.capacity(ctx)
	if err != nil {
		return study, err
	}
	points := []float64{50, 90, 99, 99.9, 100}
	for _, percent := range openRates {
		for _, view := range []string{fromSchedule, fromSend} {
			for _, p := range points {
				study.Rows = append(study.Rows, Row{
					Name: openRow(percent, view, p), Line: openLine(percent, view), X: p, Ours: true,
					Columns: []float64{capacity * float64(percent) / 100},
				})
			}
		}
	}
	for range runs {
		row := 0
		for _, percent := range openRates {
			load.rate = capacity * float64(percent) / 100
			times, err := load.run(ctx)
			if err != nil {
				return study, fmt.Errorf("bench: %s at %d %%: %w", study.Name, percent, err)
			}
			for _, from := range [][]time.Duration{times.intended, times.sent} {
				latencies := times.since(from)
				for _, p := range points {
					sample := float64(latencies.ValueAtQuantile(p)) / 1e3
					study.Rows[row].Samples = append(study.Rows[row].Samples, sample)
					row++
				}
			}
		}
	}
	study.Finding = openFinding(&study)
	return study, nil
}

func openStudy(load openLoad) Study {
	study := Study{
		Name: "latency-open-memory", Unit: "µs", Less: true, Axis: "percentile", Columns: []string{"commands/s offered"},
		Work: fmt.Sprintf("%s commands over %d aggregates, sent on a fixed schedule with at most %d in flight, one event each",
			Quantity(float64(load.n), ""), latencyAggregates, openWindow),
		Notes: []string{
			"Percentile 100 is the slowest command of a repetition.",
			"The rates are shares of what the same sender gets through without a schedule. It keeps its schedule by " +
				"yielding, not by sleeping, so that a late timer is not counted as latency. It shares the cores with the pipeline: some of the wait is its own.",
			"Both views are of the same commands in the same runs: from the schedule is corrected for coordinated omission, " +
				"from the send is what a program sees that looks at its own calls.",
		},
	}
	if load.durable {
		study.Name = "latency-open-durable"
		study.Work += "; acknowledged when SQLite has synced it"
		return study
	}
	study.Work += "; in memory"
	return study
}

func openLine(percent int, view string) string { return fmt.Sprintf("%d %% load, %s", percent, view) }

func openRow(percent int, view string, p float64) string {
	if p == 100 {
		return openLine(percent, view) + ", max"
	}
	return fmt.Sprintf("%s, p%v", openLine(percent, view), p)
}

// openFinding says what is lost by looking at the calls alone, at the highest load.
func openFinding(study *Study) string {
	percent := openRates[len(openRates)-1]
	at := func(view string) float64 { return study.Row(openRow(percent, view, 99)).Median() }
	schedule, send := at(fromSchedule), at(fromSend)
	told := fmt.Sprintf("At %d %% load the p99 is %s from the schedule and %s from the send",
		percent, Quantity(schedule, study.Unit), Quantity(send, study.Unit))
	if schedule < 1.25*send {
		return told + ": the closed-loop view is near the truth here"
	}
	return fmt.Sprintf("%s: the closed-loop view hides %.0f %% of the wait", told, 100*(1-send/schedule))
}

// capacity is how many commands a second the sender gets through when it never waits for a schedule: the median of three
// runs after one that is not counted.
func (l openLoad) capacity(ctx context.Context) (float64, error) {
	l.rate = 0
	var row Row
	for run := range 4 {
		times, err := l.run(ctx)
		if err != nil {
			return 0, fmt.Errorf("bench: capacity: %w", err)
		}
		if run > 0 {
			row.Samples = append(row.Samples, float64(l.n)/slices.Max(times.settled).Seconds())
		}
	}
	return row.Median(), nil
}

// run sends every command at its time, or at once when that is over.
func (l openLoad) run(ctx context.Context) (openTimes, error) {
	times := openTimes{make([]time.Duration, l.n), make([]time.Duration, l.n), make([]time.Duration, l.n)}
	work := tallyLoad{registry: decidedTally(), n: l.n, aggregates: latencyAggregates, durable: l.durable}
	work.options.Window = openWindow
	cmds := work.commands()
	var began time.Time
	for i, cmd := range cmds {
		// Each command has a place of its own, and Run has returned before anybody reads it.
		cmd.Settled = func(engine.Outcome) { times.settled[i] = time.Since(began) }
		if l.rate > 0 {
			times.intended[i] = time.Duration(float64(i) / l.rate * float64(time.Second))
		}
	}
	runtime.GC()
	err := work.inStore(ctx, func(store engine.Store) error {
		p, err := pipeline.New(work.registry, sinks.NewStore(store), work.options)
		if err != nil {
			return err
		}
		report, err := whileRunning(ctx, p, func(ctx context.Context) error {
			began = time.Now()
			for i, cmd := range cmds {
				for times.sent[i] = time.Since(began); times.sent[i] < times.intended[i]; times.sent[i] = time.Since(began) {
					runtime.Gosched()
				}
				if _, err := p.Send(ctx, cmd); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return work.verify(ctx, store, report)
	})
	return times, err
}

// since gives the latencies of all commands, each counted from its time in from.
func (t openTimes) since(from []time.Duration) *hdrhistogram.Histogram {
	latencies := newTimes()
	for i, settled := range t.settled {
		recordTime(latencies, settled-from[i])
	}
	return latencies
}
