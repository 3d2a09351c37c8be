package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// The scenario of Seed.
const (
	seedMessages = 100
	seedHandlers = 5
	seedWait     = time.Millisecond
	seedRuns     = 5
)

// SeedResult is what the scenario took, in milliseconds, each the median of the runs.
type SeedResult struct {
	Messages      int     `json:"messages"`
	Handlers      int     `json:"handlers"`
	HandlerMS     float64 `json:"handler_ms"`
	Runs          int     `json:"runs"`
	OneSleepMS    float64 `json:"one_sleep_ms"`    // what the machine makes of one wait: the limit
	SyncMS        float64 `json:"sync_ms"`         // one after another on a SyncBus
	FiveWorkersMS float64 `json:"five_workers_ms"` // a pipeline with five workers
	AsyncMS       float64 `json:"async_ms"`        // a pipeline with a worker for each message
	FiveTimes     float64 `json:"five_workers_speedup"`
	AsyncTimes    float64 `json:"async_speedup"` // SyncMS / AsyncMS
	OK            bool    `json:"ok"`            // async is more than ten times faster than sync
}

// ping is the message of the scenario.
type ping struct{ N int }

// Seed measures what concurrency is worth when handlers wait: 100 messages, each with 5 handlers that wait 1 ms, done one
// after another, by five workers, and all at once. The ways take turns, several runs of each in one call.
func Seed(ctx context.Context) (SeedResult, error) {
	ways := []func(context.Context) (time.Duration, error){
		oneSleep,
		syncSeed,
		func(ctx context.Context) (time.Duration, error) { return pipelineSeed(ctx, 5) },
		func(ctx context.Context) (time.Duration, error) { return pipelineSeed(ctx, seedMessages) },
	}
	took := make([][]time.Duration, len(ways))
	for range seedRuns {
		for i, way := range ways {
			d, err := way(ctx)
			if ctx.Err() != nil {
				err = ctx.Err() // whatever the way made of it, its time is none
			}
			if err != nil {
				return SeedResult{}, fmt.Errorf("bench: %w", err)
			}
			took[i] = append(took[i], d)
		}
	}
	median := func(i int) float64 {
		slices.Sort(took[i])
		return float64(took[i][seedRuns/2]) / float64(time.Millisecond)
	}
	r := SeedResult{
		Messages: seedMessages, Handlers: seedHandlers, HandlerMS: float64(seedWait) / float64(time.Millisecond),
		Runs: seedRuns, OneSleepMS: median(0), SyncMS: median(1), FiveWorkersMS: median(2), AsyncMS: median(3),
	}
	r.FiveTimes, r.AsyncTimes = r.SyncMS/r.FiveWorkersMS, r.SyncMS/r.AsyncMS
	r.OK = r.AsyncTimes > 10
	return r, nil
}

func oneSleep(context.Context) (time.Duration, error) {
	began := time.Now()
	time.Sleep(seedWait)
	return time.Since(began), nil
}

func syncSeed(ctx context.Context) (time.Duration, error) {
	bus := engine.NewSyncBus(engine.BusOptions{})
	for i := range seedHandlers {
		err := bus.Subscribe("ping", fmt.Sprintf("handler-%d", i+1), func(context.Context, *engine.Message) error {
			time.Sleep(seedWait)
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	began := time.Now()
	for i := range seedMessages {
		if err := bus.Publish(ctx, &engine.Message{Type: "ping", Data: ping{i}}); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

func pipelineSeed(ctx context.Context, workers int) (time.Duration, error) {
	registry := engine.NewRegistry()
	for i := range seedHandlers {
		engine.OnCommand(registry, "ping", fmt.Sprintf("handler-%d", i+1),
			func(context.Context, *engine.Command, ping) ([]any, error) {
				time.Sleep(seedWait)
				return nil, nil
			})
	}
	p, err := pipeline.New(registry, sinks.NewStore(memory.New()), pipeline.Options{Workers: workers})
	if err != nil {
		return 0, err
	}
	cmds := make([]*engine.Command, seedMessages)
	for i := range cmds {
		cmds[i] = engine.NewCommand(fmt.Sprintf("ping-%d", i), ping{i})
	}
	report, err := p.Run(ctx, sources.Slice(cmds))
	if err == nil && report.Accepted != seedMessages {
		err = errors.New("not every message was accepted:\n" + report.String())
	}
	return report.Elapsed, err
}
