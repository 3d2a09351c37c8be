package middleware_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// dice is the randomness of a test, for any goroutine.
type dice struct {
	mu     sync.Mutex
	random *rand.Rand
}

func (d *dice) below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.random.IntN(n)
}

// weather is what the outside does to a call: mostly nothing, sometimes a wait, a passing failure, a panic, an exit.
func (d *dice) weather(ctx context.Context) error {
	if err := sleep(ctx, time.Duration(1+d.below(2_000_000))); err != nil { // up to 2 ms, in nanoseconds
		return err
	}
	switch n := d.below(100); {
	case n < 10:
		return down
	case n == 10:
		panic("boom")
	case n == 11:
		runtime.Goexit()
	case n == 12:
		return sleep(ctx, time.Minute) // far longer than its time
	}
	return nil
}

// All of the middleware on a whole belt in bad weather: every command has one outcome, what is accepted is whole and in
// sequence, no place stays taken, and no goroutine is left.
func TestBelt(t *testing.T) {
	for range 20 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runBelt(t, seed) })
		})
	}
}

func runBelt(t *testing.T, seed uint64) {
	d := &dice{random: rand.New(rand.NewPCG(seed, 1))}
	r := engine.NewRegistry()
	r.Use(
		middleware.Log(zap.NewNop(), middleware.LogOptions{}),
		middleware.Validate(),
		middleware.Retry(middleware.RetryOptions{Attempts: 6, Seed: seed}),
		middleware.Breaker(middleware.BreakerOptions{Failures: 8, Open: 20 * time.Millisecond}),
		middleware.RateLimit(20_000, middleware.RateOptions{Burst: 10}),
		middleware.Concurrency(1+d.below(8), middleware.ConcurrencyOptions{}),
		middleware.Timeout(50*time.Millisecond),
	)
	engine.RegisterEvent[measured](r, "sensor.measured")
	engine.OnCommand(r, "sensor.measure", "probe", func(ctx context.Context, _ *engine.Command, m measure) ([]any, error) {
		return []any{measured(m)}, d.weather(ctx)
	})
	type count struct{ N int }
	decider := engine.NewDecider(r, "counter", func() int { return 0 })
	engine.Decide(decider, "sensor.measure", func(ctx context.Context, n int, _ measure) ([]any, error) {
		return []any{count{n + 1}}, d.weather(ctx)
	})
	engine.Evolve(decider, "sensor.counted", func(_ int, c count) int { return c.N })

	const commands, aggregates = 300, 7
	var cmds []*engine.Command
	var mu sync.Mutex
	outcomes := map[engine.ID][]engine.Outcome{}
	for i := range commands {
		cmd := engine.NewCommand(fmt.Sprint("sensor-", i%aggregates), measure{i})
		cmd.Settled = func(o engine.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			outcomes[cmd.ID] = append(outcomes[cmd.ID], o)
		}
		cmds = append(cmds, cmd)
	}
	store := memory.New()
	p, err := pipeline.New(r, sinks.NewStore(store), pipeline.Options{Workers: 4, Batch: 16})
	require.NoError(t, err)
	report, err := p.Run(t.Context(), sources.Slice(cmds))
	require.NoError(t, err)
	require.Equal(t, commands, report.Accepted+report.DeadLettered)
	require.Greater(t, report.Accepted, commands/2, "the weather is not that bad")
	require.True(t, report.Sequence.OK())
	for _, cmd := range cmds {
		require.Len(t, outcomes[cmd.ID], 1)
	}
	for i := range aggregates {
		n, last := 0, -1
		for event, err := range store.Load(t.Context(), fmt.Sprint("sensor-", i), 1) {
			require.NoError(t, err)
			switch data := event.Data.(type) {
			case measured:
				require.Greater(t, data.Celsius, last, "arrival sequence")
				last = data.Celsius
			case count:
				n++
				require.Equal(t, n, data.N, "each decision saw every one before")
			}
		}
	}
}
