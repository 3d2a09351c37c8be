package bench

import (
	"cmp"
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
	seedHand  = "by hand: a goroutine for each wait"
	seedOne   = "one wait of 1 ms: the limit"
)

// seedRounds is how often what takes a millisecond or two is done in a row: else the figure tells most of all how long the
// machine slept before.
const seedRounds = 20

// Seed measures what concurrency is worth when handlers wait: 100 messages, each with 5 handlers that wait 1 ms, one by
// one, by five workers, all at once, and by hand. The bus and the pipeline run before the clock does. The scenario has one
// size, whatever the effort.
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
		Notes: []string{fmt.Sprintf("what takes a millisecond or two is done %d times in a row behind one time that does not count, "+
			"and the median is the figure", seedRounds)},
	}
	faster, waits := s.Ratio(seedSync, seedAsync), s.Ratio(seedAsync, seedOne)
	s.Checks = []Check{
		AtLeast("one by one over all at once", faster, 100),
		AtMost("all at once over one wait", waits, 1.6),
	}
	s.Finding = fmt.Sprintf("%d handlers that wait 1 ms take %s one by one and %s all at once: %.0f times faster, %.2f of a single "+
		"wait, where a goroutine for each, by hand, takes %.2f", messages*fanHandlers, Quantity(s.Row(seedSync).Median(), "ms"),
		Quantity(s.Row(seedAsync).Median(), "ms"), faster, waits, s.Ratio(seedHand, seedOne))
	return []Study{s}, nil
}

func seedWays(messages int) []Way {
	wait := func() { time.Sleep(seedWait) }
	async := func(rounds, workers int) func(context.Context) (Sample, error) {
		return func(ctx context.Context) (Sample, error) {
			return seedPipeline(ctx, rounds, messages, pipeline.Options{Workers: workers})
		}
	}
	return []Way{
		{Name: seedAsync, Ours: true, Run: async(seedRounds, messages)},
		{Name: "Orchestrix, five workers", Ours: true, Run: async(1, 5)},
		{Name: seedSync, Run: func(ctx context.Context) (Sample, error) {
			bus := engine.NewSyncBus(engine.BusOptions{})
			if err := subscribeAll(bus, wait); err != nil {
				return Sample{}, err
			}
			return milliseconds(func() error { return publishAll(ctx, bus, messages) })
		}},
		{Name: seedHand, Run: func(context.Context) (Sample, error) {
			return inARow(seedRounds, func() (Sample, error) {
				return milliseconds(func() error {
					engine.FanOut(messages*fanHandlers, func(int) { wait() })
					return nil
				})
			})
		}},
		{Name: seedOne, Run: func(context.Context) (Sample, error) {
			return inARow(seedRounds, func() (Sample, error) {
				return milliseconds(func() error { wait(); return nil })
			})
		}},
	}
}

// seedPipeline sends messages to a pipeline that runs, and waits until all are handled. Every message has an aggregate of
// its own.
func seedPipeline(ctx context.Context, rounds, messages int, o pipeline.Options) (sample Sample, err error) {
	registry := engine.NewRegistry()
	for h := range fanHandlers {
		engine.OnCommand(registry, "ping", fmt.Sprintf("handler-%d", h+1),
			func(context.Context, *engine.Command, ping) ([]any, error) {
				time.Sleep(seedWait)
				return nil, nil
			})
	}
	p, err := pipeline.New(registry, sinks.NewStore(memory.New()), o)
	if err != nil {
		return Sample{}, err
	}
	_, err = whileRunning(ctx, p, func(ctx context.Context) (err error) {
		sample, err = inARow(rounds, func() (Sample, error) {
			cmds := make([]*engine.Command, messages)
			for i := range cmds {
				cmds[i] = engine.NewCommand(fmt.Sprintf("ping-%d", i), ping{i})
			}
			return milliseconds(func() error { return sendAll(ctx, p, cmds) })
		})
		return err
	})
	return sample, err
}

// sendAll sends commands and waits until each has been accepted.
func sendAll(ctx context.Context, p *pipeline.Pipeline, cmds []*engine.Command) (err error) {
	receipts := make([]*pipeline.Receipt, len(cmds))
	for i, cmd := range cmds {
		if receipts[i], err = p.Send(ctx, cmd); err != nil {
			return err
		}
	}
	for _, r := range receipts {
		o, err := r.Wait(ctx)
		if err = cmp.Or(err, o.Failure()); err != nil {
			return err
		}
	}
	return nil
}

// inARow does work so many times and once before, and gives the median of what was measured.
func inARow(rounds int, work func() (Sample, error)) (Sample, error) {
	var row Row
	for round := range rounds + 1 {
		sample, err := work()
		if err != nil {
			return Sample{}, err
		}
		if round > 0 {
			row.Samples = append(row.Samples, sample.Value)
		}
	}
	return Sample{Value: row.Median()}, nil
}

// milliseconds times work.
func milliseconds(work func() error) (Sample, error) {
	began := time.Now()
	err := work()
	return Sample{Value: float64(time.Since(began)) / float64(time.Millisecond)}, err
}
