package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
)

// gale is a command in whose code something happens, the first few times that it is called.
type (
	gale struct {
		Number int
		Place  string // where
		What   string
		For    time.Duration
		Times  int
	}
	blew struct{ Number, After int }
)

// storm is the domain. It counts calls by command.
type storm struct {
	mu    sync.Mutex
	calls map[int]int
}

// strike lets happen what is due in a place.
func (s *storm) strike(ctx context.Context, g gale, place string) error {
	if g.Place != place {
		return nil
	}
	s.mu.Lock()
	s.calls[g.Number]++
	due := s.calls[g.Number] <= g.Times
	s.mu.Unlock()
	if !due {
		return nil
	}
	switch g.What {
	case "waits":
		return wait(ctx, g.For)
	case "deaf":
		time.Sleep(g.For)
	case "panics late":
		time.Sleep(g.For)
		panic(errBroken)
	case "exits late":
		time.Sleep(g.For)
		runtime.Goexit()
	case "panics":
		panic(errBroken)
	case "exits":
		runtime.Goexit()
	}
	return nil
}

// UnmarshalJSON has no storm at hand, so that it strikes by itself: always, and never fatally late.
func (g *gale) UnmarshalJSON(text []byte) error {
	type plain gale
	if err := json.Unmarshal(text, (*plain)(g)); err != nil || g.Place != "codec" {
		return err
	}
	return (&storm{calls: map[int]int{}}).strike(context.Background(), *g, "codec")
}

func (s *storm) Register(r *engine.Registry) {
	for i := range 3 {
		name := fmt.Sprint("handler ", i)
		engine.OnCommand(r, "gale", name, func(ctx context.Context, _ *engine.Command, g gale) ([]any, error) {
			return nil, s.strike(ctx, g, name)
		})
	}
	d := engine.NewDecider(r, "storm", func() int { return 0 })
	engine.Decide(d, "gale", func(ctx context.Context, n int, g gale) ([]any, error) {
		return []any{blew{g.Number, n + 1}}, s.strike(ctx, g, "decider")
	})
	engine.Evolve(d, "blew", func(_ int, b blew) int { return b.After })
}

// draw makes the commands of a storm, most of which have good weather.
func (s *storm) draw(t *testing.T, rng *rand.Rand, timeout time.Duration) []*engine.Command {
	aggregates, rough := 1+rng.IntN(12), rng.Float64()*rng.Float64()
	whats := []string{"waits", "deaf", "panics late", "exits late", "panics", "exits"}
	places := []string{"handler 0", "handler 1", "handler 2", "decider", "codec"}
	cmds := make([]*engine.Command, 50+rng.IntN(600))
	for i := range cmds {
		g := gale{Number: i}
		if rng.Float64() < rough {
			g.Place, g.What, g.Times = places[rng.IntN(len(places))], whats[rng.IntN(len(whats))], 1+rng.IntN(3)
			g.For = timeout/2 + time.Duration(rng.Int64N(int64(2*timeout+2*time.Second)))
		}
		text, err := json.Marshal(map[string]any{"Number": g.Number, "Place": g.Place, "What": g.What, "For": g.For, "Times": g.Times})
		require.NoError(t, err)
		cmds[i] = engine.NewCommand(fmt.Sprint("a", rng.IntN(aggregates)), engine.Raw(text))
		cmds[i].Type = "gale"
	}
	return cmds
}

// Handlers that hang, come back late, panic and end their goroutines, early and late, all at random: every command has one
// outcome; what is accepted is stored once, in sequence, decided on the state before it; of all else nothing is stored, not
// even when what was abandoned comes back.
func TestStorm(t *testing.T) {
	seeds := uint64(150)
	if raceDetector || testing.Short() {
		seeds = 30
	}
	abandoned := 0
	for seed := range seeds {
		for _, store := range stores() {
			synctest.Test(t, func(t *testing.T) {
				abandoned += weather(t, seed, store)
			})
		}
	}
	t.Logf("%d were abandoned", abandoned)
	require.Greater(t, abandoned, int(seeds), "hardly anybody was abandoned: this test shows little")
}

func weather(t *testing.T, seed uint64, store engine.Store) (abandoned int) {
	rng := rand.New(rand.NewPCG(seed, 77))
	timeout := []time.Duration{20 * time.Millisecond, time.Second, time.Minute}[rng.IntN(3)]
	options := pipeline.Options{
		HandlerTimeout: timeout, Workers: 1 + rng.IntN(9), Batch: 1 + rng.IntN(20), Window: 1 + rng.IntN(300), Cache: rng.IntN(3) - 1,
		Retry: pipeline.RetryPolicy{Attempts: 1 + rng.IntN(3), Total: time.Hour, Seed: seed + 1},
	}
	if raceDetector {
		options.Retry = once
	}
	if rng.IntN(3) == 0 {
		options.CommandTimeout = timeout/2 + time.Duration(rng.Int64N(int64(4*timeout)))
	}
	s := &storm{calls: map[int]int{}}
	b := newBelt(t, store, options, s)
	cmds := s.draw(t, rng, timeout)
	outcomes := watch(cmds...)
	b.tryWaves(warmGales(rng, len(cmds)), cmds)
	abandoned = b.Abandoned()
	if abandoned > 0 {
		require.ErrorContains(t, b.err, fmt.Sprintf("%d handlers were given up", abandoned), "seed %d", seed)
	}
	require.Zero(t, b.report.InFlight, "seed %d", seed)
	require.True(t, b.report.Sequence.OK(), "seed %d", seed)
	before := len(wholeLog(t, store))
	for i, o := range outcomes() {
		require.Contains(t, []engine.Status{engine.Accepted, engine.DeadLettered}, o.Status, "seed %d, command %d", seed, i)
	}
	judgeWeather(t, seed, store, cmds, outcomes())
	time.Sleep(time.Hour) // everybody has come back
	require.Zero(t, b.Abandoned(), "seed %d", seed)
	require.Len(t, wholeLog(t, store), before, "seed %d", seed)
	return abandoned
}

// warmGales are quiet commands, from which is learned that handlers are quick; or none.
func warmGales(rng *rand.Rand, from int) []*engine.Command {
	cmds := make([]*engine.Command, rng.IntN(2)*1000)
	for i := range cmds {
		cmds[i] = engine.NewCommand(fmt.Sprint("w", i%10), gale{Number: from + i})
	}
	return cmds
}

// judgeWeather holds the store against the outcomes.
func judgeWeather(t *testing.T, seed uint64, store engine.Store, cmds []*engine.Command, outcomes []engine.Outcome) {
	want := map[string][]engine.ID{}
	for i, o := range outcomes {
		if o.Status == engine.Accepted {
			want[cmds[i].Subject] = append(want[cmds[i].Subject], cmds[i].ID)
		}
	}
	for aggregate, ids := range want {
		events := stream(t, store, aggregate)
		require.Len(t, events, len(ids), "seed %d, %s", seed, aggregate)
		for i, e := range events {
			require.Equal(t, ids[i], e.CausationID, "seed %d, %s", seed, aggregate)
			require.Equal(t, i+1, e.Data.(blew).After, "seed %d, %s: decided on the state before it", seed, aggregate)
		}
	}
	total := 0
	for _, e := range wholeLog(t, store) {
		if e.Subject[0] == 'a' {
			total++
		}
	}
	require.Equal(t, statuses(outcomes)[engine.Accepted], total, "seed %d", seed)
}
