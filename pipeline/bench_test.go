package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

type (
	credit   struct{ Cents int64 }
	credited struct{ Cents int64 }
)

// credits is a registry in which a command makes one event: by a handler or by a decider.
func credits(decided bool, observers int) *engine.Registry {
	registry := engine.NewRegistry()
	made := func(c credit) ([]any, error) { return []any{credited(c)}, nil }
	if decided {
		d := engine.NewDecider(registry, "account", func() int64 { return 0 })
		engine.Decide(d, "account.credit", func(_ context.Context, _ int64, c credit) ([]any, error) { return made(c) })
		engine.Evolve(d, "account.credited", func(sum int64, e credited) int64 { return sum + e.Cents })
	} else {
		engine.RegisterEvent[credited](registry, "account.credited")
		engine.OnCommand(registry, "account.credit", "credit",
			func(_ context.Context, _ *engine.Command, c credit) ([]any, error) { return made(c) })
	}
	for i := range observers {
		engine.OnCommand(registry, "account.credit", fmt.Sprintf("observer-%d", i+1),
			func(context.Context, *engine.Command, credit) ([]any, error) { return nil, nil })
	}
	return registry
}

// BenchmarkPipeline is the whole way from admission to outcome in memory, with one event for each command. One operation
// is one command.
func BenchmarkPipeline(b *testing.B) {
	for _, way := range []struct {
		name       string
		decided    bool
		observers  int
		aggregates int
	}{
		{"handler", false, 0, 1000},
		{"decider", true, 0, 1000},
		{"decider/aggregates=1", true, 0, 1},
		{"decider/aggregates=100000", true, 0, 100_000},
		{"handlers=6", false, 5, 1000},
	} {
		b.Run(way.name, func(b *testing.B) {
			registry := credits(way.decided, way.observers)
			names := make([]string, way.aggregates)
			for i := range names {
				names[i] = fmt.Sprintf("account-%d", i)
			}
			cmds := make([]*engine.Command, b.N)
			for i := range cmds {
				cmds[i] = engine.NewCommand(names[i%len(names)], credit{int64(i)})
			}
			p, err := pipeline.New(registry, sinks.NewStore(memory.New()), pipeline.Options{})
			require.NoError(b, err)
			b.ReportAllocs()
			b.ResetTimer()
			report, err := p.Run(b.Context(), sources.Slice(cmds))
			require.NoError(b, err)
			require.Equal(b, b.N, report.Accepted)
		})
	}
}

// BenchmarkDo is the round trip of one blocking call in memory, by one caller. One operation is one call.
func BenchmarkDo(b *testing.B) {
	p, err := pipeline.New(credits(true, 0), sinks.NewStore(memory.New()), pipeline.Options{})
	require.NoError(b, err)
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1) // the goroutine sends once, the end of the benchmark receives
	go func() {
		_, err := p.Run(ctx)
		ended <- err
	}()
	cmds := make([]*engine.Command, b.N)
	for i := range cmds {
		cmds[i] = engine.NewCommand(fmt.Sprintf("account-%d", i%1000), credit{int64(i)})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, cmd := range cmds {
		if _, err := p.Do(ctx, cmd); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	stop()
	require.NoError(b, <-ended)
}

// BenchmarkStatus is one status of 100,000 aggregates that all have a command in flight.
func BenchmarkStatus(b *testing.B) {
	const aggregates = 100_000
	gate := make(chan struct{}) // closed below, the handlers receive; nobody sends
	registry := engine.NewRegistry()
	engine.RegisterEvent[credited](registry, "account.credited")
	engine.OnCommand(registry, "account.credit", "credit", func(context.Context, *engine.Command, credit) ([]any, error) {
		<-gate
		return nil, nil
	})
	p, err := pipeline.New(registry, sinks.NewStore(memory.New()), pipeline.Options{Window: aggregates, HandlerTimeout: time.Hour})
	require.NoError(b, err)
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1) // the goroutine sends once, the end of the benchmark receives
	go func() {
		_, err := p.Run(ctx)
		ended <- err
	}()
	for i := range aggregates {
		_, err := p.Send(ctx, engine.NewCommand(fmt.Sprintf("account-%d", i), credit{}))
		require.NoError(b, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		require.Equal(b, aggregates, p.Status().Lanes)
	}
	close(gate)
	stop()
	require.NoError(b, <-ended)
}
