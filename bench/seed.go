package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// The scenario of Seed.
const (
	seedMessages = 100
	seedWait     = time.Millisecond
)

// Names of the rows that the checks of the scenario are about.
const (
	seedAsync = "Orchestrix, all at once"
	seedSync  = "sync bus, one by one"
	seedOne   = "one wait of 1 ms: the limit"
)

// Seed measures what concurrency is worth when handlers wait: 100 messages, each with 5 handlers that wait 1 ms, one by
// one, by five workers, and all at once. The scenario has one size, whatever the effort.
func Seed(ctx context.Context, effort Effort) ([]Study, error) {
	return seedOf(ctx, effort, seedMessages)
}

func seedOf(ctx context.Context, effort Effort, messages int) ([]Study, error) {
	rows, err := Measure(ctx, effort.runs(), seedWays(messages))
	if err != nil {
		return nil, err
	}
	s := Study{
		Name: "seed", Unit: "ms", Less: true, Rows: rows,
		Work: fmt.Sprintf("%d messages, each with %d handlers that wait 1 ms", messages, fanHandlers),
	}
	faster, waits := s.Ratio(seedSync, seedAsync), s.Ratio(seedAsync, seedOne)
	s.Checks = []Check{
		AtLeast("one by one over all at once", faster, 100),
		AtMost("all at once over one wait", waits, 1.6),
	}
	s.Finding = fmt.Sprintf("%d handlers that wait 1 ms take %s one by one and %s all at once: %.0f times faster, %.2f of a single wait",
		messages*fanHandlers, Quantity(s.Row(seedSync).Median(), "ms"), Quantity(s.Row(seedAsync).Median(), "ms"), faster, waits)
	return []Study{s}, nil
}

func seedWays(messages int) []Way {
	wait := func() { time.Sleep(seedWait) }
	async := func(workers int) func(context.Context) (Sample, error) {
		return func(ctx context.Context) (Sample, error) { return seedPipeline(ctx, messages, workers) }
	}
	return []Way{
		{Name: seedAsync, Ours: true, Run: async(messages)},
		{Name: "Orchestrix, five workers", Ours: true, Run: async(5)},
		{Name: seedSync, Run: func(ctx context.Context) (Sample, error) {
			bus := engine.NewSyncBus(engine.BusOptions{})
			if err := subscribeAll(bus, wait); err != nil {
				return Sample{}, err
			}
			return milliseconds(func() error { return publishAll(ctx, bus, messages) })
		}},
		{Name: seedOne, Run: func(context.Context) (Sample, error) {
			return milliseconds(func() error { wait(); return nil })
		}},
	}
}

// seedPipeline gives every message an aggregate of its own, and a worker to at most as many of them as workers says.
func seedPipeline(ctx context.Context, messages, workers int) (Sample, error) {
	registry := engine.NewRegistry()
	for h := range fanHandlers {
		engine.OnCommand(registry, "ping", fmt.Sprintf("handler-%d", h+1),
			func(context.Context, *engine.Command, ping) ([]any, error) {
				time.Sleep(seedWait)
				return nil, nil
			})
	}
	p, err := pipeline.New(registry, sinks.NewStore(memory.New()), pipeline.Options{Workers: workers})
	if err != nil {
		return Sample{}, err
	}
	cmds := make([]*engine.Command, messages)
	for i := range cmds {
		cmds[i] = engine.NewCommand(fmt.Sprintf("ping-%d", i), ping{i})
	}
	return milliseconds(func() error { return runAll(ctx, p, cmds) })
}

// milliseconds times work.
func milliseconds(work func() error) (Sample, error) {
	began := time.Now()
	err := work()
	return Sample{Value: float64(time.Since(began)) / float64(time.Millisecond)}, err
}
