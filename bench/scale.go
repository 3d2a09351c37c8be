package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/orchestrix-go/orchestrix/pipeline"
)

// What the handlers of the workers study wait.
const scaleWait = time.Millisecond

// Scale measures what becomes of the cost of a command when there is more of everything: commands in flight, handlers,
// workers, aggregates.
func Scale(ctx context.Context, effort Effort) ([]Study, error) {
	n := effort.size(100_000)
	var studies []Study
	for _, measure := range []func(ctx context.Context, runs, n int) (Study, error){
		scaleWindow, scaleHandlers, scaleWorkers, scaleAggregates, scaleSkew,
	} {
		study, err := measure(ctx, effort.runs(), n)
		if err != nil {
			return nil, err
		}
		studies = append(studies, study)
	}
	idle, err := scaleIdle(ctx, effort.runs(), effort.size(1_000_000))
	return append(studies, idle...), err
}

// costColumns are the columns of cost.
var costColumns = append(RateColumns("command"), "ns/command")

// cost runs the load and adds what a command took to the columns.
func (l tallyLoad) cost(ctx context.Context) (Sample, error) {
	sample, err := l.run(ctx)
	sample.Columns = append(sample.Columns, 1e9/sample.Value)
	return sample, err
}

// scaleWindow measures throughput against commands in flight, in memory and durable.
func scaleWindow(ctx context.Context, runs, n int) (Study, error) {
	study := Study{
		Name: "scale-window", Unit: "commands/s", Axis: "commands in flight", Columns: costColumns,
		Work: "commands from a source over 1000 aggregates, decided, one event each; the window bounds how many are in flight",
		Notes: []string{
			"Fewer commands are done where fewer are in flight, " +
				fmt.Sprintf("and at most %s on SQLite, which syncs before it acknowledges.", Quantity(float64(n/10), "")),
		},
	}
	registry := decidedTally()
	var ways []Way
	for _, line := range []struct {
		name       string
		durable    bool
		each, most int // commands of a run: each for every place in the window, but not above the most
	}{{"in memory", false, n / 10, n}, {"SQLite, durable", true, n / 200, n / 10}} {
		for _, window := range []int{1, 4, 16, 64, 256, 1024, 4096} {
			load := tallyLoad{
				registry: registry, options: pipeline.Options{Window: window}, n: max(1, min(line.each*window, line.most)),
				aggregates: 1000, durable: line.durable,
			}
			ways = append(ways, Way{
				Name: fmt.Sprintf("%s, %d in flight", line.name, window), Line: line.name, X: float64(window), Ours: true,
				Run: load.cost,
			})
		}
	}
	var err error
	if study.Rows, err = Measure(ctx, runs, ways); err != nil {
		return study, err
	}
	study.Finding = fmt.Sprintf("From 1 to 4096 commands in flight throughput grows %.2g times in memory and %.2g times on disk",
		study.Ratio("in memory, 4096 in flight", "in memory, 1 in flight"),
		study.Ratio("SQLite, durable, 4096 in flight", "SQLite, durable, 1 in flight"))
	return study, nil
}

// scaleHandlers measures throughput against handlers of a command.
func scaleHandlers(ctx context.Context, runs, n int) (Study, error) {
	study := Study{
		Name: "scale-handlers", Unit: "commands/s", Axis: "handlers per command",
		Columns: append(costColumns[:len(costColumns):len(costColumns)], "ns/handler call"),
		Work:    "commands over 1000 aggregates in memory; the first handler makes one event, the others do nothing, all are joined",
	}
	var ways []Way
	name := func(handlers int) string { return fmt.Sprintf("handlers = %d", handlers) }
	for _, handlers := range []int{1, 2, 5, 10, 20, 50} {
		load := tallyLoad{
			registry: handledTally(handlers, 0), n: max(1, min(n, 10*n/handlers)), aggregates: 1000,
		}
		ways = append(ways, Way{
			Name: name(handlers), Line: "no-op handlers", X: float64(handlers), Ours: true,
			Run: func(ctx context.Context) (Sample, error) {
				sample, err := load.cost(ctx)
				sample.Columns = append(sample.Columns, 1e9/sample.Value/float64(handlers))
				return sample, err
			},
		})
	}
	var err error
	if study.Rows, err = Measure(ctx, runs, ways); err != nil {
		return study, err
	}
	one, fifty := 1e9/study.Row(name(1)).Median(), 1e9/study.Row(name(50)).Median()
	study.Finding = fmt.Sprintf("A command with one handler costs %s, each further handler adds %s",
		Quantity(one, "ns"), Quantity((fifty-one)/49, "ns"))
	return study, nil
}

// scaleWorkers measures throughput against workers, with handlers that do nothing and with handlers that wait.
func scaleWorkers(ctx context.Context, runs, n int) (Study, error) {
	study := Study{
		Name: "scale-workers", Unit: "commands/s", Axis: "workers", Columns: costColumns,
		Work: "commands in memory, each to an aggregate of its own, with one handler that makes one event",
		Notes: []string{
			fmt.Sprintf("%d commands for each worker where the handler waits. Commands of one aggregate would overlap without "+
				"further workers, therefore each has its own here.", max(1, n/1000)),
		},
	}
	var ways []Way
	noWait, waits := "handlers that do nothing", fmt.Sprintf("handlers that wait %v", scaleWait)
	for _, wait := range []time.Duration{0, scaleWait} {
		line, registry := noWait, handledTally(1, wait)
		if wait > 0 {
			line = waits
		}
		for _, workers := range []int{1, 4, 16, 64, 256} {
			load := tallyLoad{registry: registry, options: pipeline.Options{Workers: workers}, n: n}
			if wait > 0 {
				load.n = workers * max(1, n/1000)
			}
			load.aggregates = load.n
			ways = append(ways, Way{
				Name: workersRow(line, workers), Line: line, X: float64(workers), Ours: true, Run: load.cost,
			})
		}
	}
	var err error
	if study.Rows, err = Measure(ctx, runs, ways); err != nil {
		return study, err
	}
	gain := func(line string) float64 { return study.Ratio(workersRow(line, 256), workersRow(line, 1)) }
	study.Checks = []Check{AtLeast("256 workers / 1 worker, "+noWait, gain(noWait), 0.5)}
	study.Finding = fmt.Sprintf("With 256 workers throughput is %.3g times that of one when handlers wait, %.2g times when they do not",
		gain(waits), gain(noWait))
	return study, nil
}

func workersRow(line string, workers int) string {
	return fmt.Sprintf("%s, workers = %d", line, workers)
}
