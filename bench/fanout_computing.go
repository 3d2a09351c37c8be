package bench

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"

	"github.com/orchestrix-go/orchestrix/engine"
)

// fanInput is what each computing handler hashes: about 20 µs of work where the processor has instructions for it.
var fanInput = make([]byte, 32<<10)

func hashInput() { _ = sha256.Sum256(fanInput) }

// fanOutComputing holds handlers that compute one by one against the same all at once.
func fanOutComputing(ctx context.Context, effort Effort, messages int) (Study, error) {
	rows, err := Measure(ctx, effort.runs(), []Way{
		{Name: fanAsync, Ours: true, Run: func(ctx context.Context) (Sample, error) {
			run, err := fanPipeline(ctx, fanWork{messages, func(int, int) { hashInput() }, func(int) {}})
			if err != nil {
				return Sample{}, err
			}
			return Rate(messages, run)
		}},
		{Name: "async bus, message by message", Run: func(ctx context.Context) (Sample, error) {
			return busComputing(ctx, engine.NewAsyncBus(engine.BusOptions{}), messages)
		}},
		{Name: fanSync, Run: func(ctx context.Context) (Sample, error) {
			return busComputing(ctx, engine.NewSyncBus(engine.BusOptions{}), messages)
		}},
	})
	if err != nil {
		return Study{}, err
	}
	cores := runtime.GOMAXPROCS(0)
	s := Study{
		Name: "fanout-computing", Unit: "messages/s", Columns: RateColumns("message"), Rows: rows,
		Work: fmt.Sprintf("%d messages, each with %d handlers that hash %d KiB (SHA-256)", messages, fanHandlers, len(fanInput)>>10),
		Notes: []string{fmt.Sprintf("Only %d goroutines can compute at a time here. More workers, lanes or goroutines share those "+
			"cores, however many there are, so there is nothing to check.", cores)},
	}
	s.Finding = fmt.Sprintf("When handlers compute, all at once is %.1f times as fast as one by one on %d cores: "+
		"concurrency does not help beyond the cores", s.Ratio(fanAsync, fanSync), cores)
	return s, nil
}

func busComputing(ctx context.Context, bus engine.Bus, messages int) (Sample, error) {
	if err := subscribeAll(bus, hashInput); err != nil {
		return Sample{}, err
	}
	return Rate(messages, func() error { return publishAll(ctx, bus, messages) })
}

// subscribeAll subscribes the five handlers of a ping.
func subscribeAll(bus engine.Bus, handle func()) error {
	for h := range fanHandlers {
		err := bus.Subscribe("ping", fmt.Sprintf("handler-%d", h+1), func(context.Context, *engine.Message) error {
			handle()
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// publishAll publishes pings, one when the one before it is done.
func publishAll(ctx context.Context, bus engine.Bus, messages int) error {
	for i := range messages {
		if err := bus.Publish(ctx, &engine.Message{Type: "ping", Data: ping{i}}); err != nil {
			return err
		}
	}
	return nil
}
