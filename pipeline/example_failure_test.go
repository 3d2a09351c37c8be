package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

type (
	charge  struct{ Cents int }
	charged struct{ Cents int }
)

// A command that fails for good parks its aggregate; the commands behind it wait, and are replayed in sequence once the
// cause is mended.
func Example_whenSomethingFails() {
	ctx, mended := context.Background(), false
	registry := engine.NewRegistry()
	engine.RegisterEvent[charged](registry, "charged")
	engine.OnCommand(registry, "charge", "bank", func(_ context.Context, _ *engine.Command, c charge) ([]any, error) {
		if c.Cents == 13 && !mended {
			return nil, errors.New("the bank knows no 13") // engine.Temporary(err) would be attempted again
		}
		return []any{charged(c)}, nil
	})
	options := pipeline.Options{
		Retry:          pipeline.RetryPolicy{Attempts: 5, Total: time.Minute}, // what may pass; its lane waits, nobody else
		HandlerTimeout: 2 * time.Second,                                       // of each call; code that is deaf to it is given up
		Policy:         pipeline.Park,                                         // or Skip: the later commands go on
		Limits:         []pipeline.Limit{{Type: "charge", Concurrency: 10}},   // rate and concurrency, by registered type, by tenant
	}
	store := memory.New()
	run := func(from streams.Outlet) {
		p, err := pipeline.New(registry, sinks.NewStore(store), options)
		if err != nil {
			panic(err)
		}
		report, err := p.Run(ctx, from)
		fmt.Println(report.Accepted, "accepted,", report.DeadLettered, "dead-lettered", err)
	}
	run(sources.Slice([]*engine.Command{
		engine.NewCommand("ada", charge{1}), engine.NewCommand("ada", charge{13}), engine.NewCommand("ada", charge{2}),
		engine.NewCommand("eve", charge{3}),
	}))
	mended = true
	run(sources.DeadLetters(store, sources.LetterFilter{})) // in the sequence in which they were kept
	for event := range store.Load(ctx, "ada", 1) {
		fmt.Println(event.Version, event.Data)
	}
	// Output:
	// 2 accepted, 2 dead-lettered <nil>
	// 2 accepted, 0 dead-lettered <nil>
	// 1 {1}
	// 2 {13}
	// 3 {2}
}
