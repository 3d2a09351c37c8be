package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// The storms run in real time, on as many processors as there are: what they look for is what a virtual clock, which
// waits until everybody has done, may never show. They say nothing of time.

type (
	gust   struct{ Panics string } // where its code panics; empty when it does not
	blown  struct{ After int }
	jagged struct{} // an event that cannot be folded
)

// weather registers the domain of the storms: a counter whose code panics where the command says so.
var weather = module(func(r *engine.Registry) {
	d := engine.NewDecider(r, "weather", func() int { return 0 })
	handler := func(name string) {
		engine.OnCommand(r, "gust", name, func(_ context.Context, _ *engine.Command, c gust) ([]any, error) {
			return nil, c.pass(name)
		})
	}
	handler("first")
	engine.Decide(d, "gust", func(_ context.Context, n int, c gust) ([]any, error) {
		if c.Panics == "evolve" {
			return []any{jagged{}}, nil
		}
		return []any{blown{n + 1}}, c.pass("decider")
	})
	handler("second")
	engine.Evolve(d, "blown", func(n int, _ blown) int { return n + 1 })
	engine.Evolve(d, "jagged", func(int, jagged) int { panic(errJagged) })
})

type module func(r *engine.Registry)

func (m module) Register(r *engine.Registry) { m(r) }

var errJagged = errors.New("jagged")

// pass panics with one thing or another where it is to.
func (c gust) pass(place string) error {
	if c.Panics != place {
		return nil
	}
	switch rand.N(5) {
	case 0:
		panic(errJagged)
	case 1:
		panic("a word")
	case 2:
		nothing[map[string]int]()["nil map"]++
	case 3:
		_ = nothing[[]int]()[len(place)]
	}
	return errors.New(nothing[*gust]().Panics)
}

// nothing is nil, in a way that an analyzer does not see through.
func nothing[T any]() (zero T) { return zero }

// storm is a pipeline with everything around it that counts.
type storm struct {
	*pipeline.Pipeline
	store *memory.Store
	sent  atomic.Int64 // commands that were admitted
	told  atomic.Int64 // outcomes
}

func newStorm(t *testing.T, options pipeline.Options) *storm {
	s := &storm{store: memory.New()}
	options.Retry.Attempts = 1
	var err error
	s.Pipeline, err = pipeline.New(engine.NewRegistry(weather), sinks.NewStore(s.store), options)
	require.NoError(t, err)
	return s
}

// command makes one whose outcome is counted.
func (s *storm) command(aggregate int, c gust) *engine.Command {
	cmd := engine.NewCommand(strconv.Itoa(aggregate), c)
	cmd.Settled = func(engine.Outcome) { s.told.Add(1) }
	return cmd
}

// requireCalm checks that every command has one outcome and none is left, and that what was accepted is stored once.
func (s *storm) requireCalm(t *testing.T, report pipeline.Report) {
	t.Helper()
	require.Zero(t, report.InFlight)
	require.EqualValues(t, s.told.Load(), report.Commands)
	require.True(t, report.Sequence.OK(), report.Sequence)
	events, commands, versions := 0, map[engine.ID]bool{}, map[string]engine.Version{}
	for e, err := range s.store.Read(context.Background(), 0) {
		require.NoError(t, err)
		events++
		commands[e.CausationID] = true
		versions[e.Subject]++
		require.Equal(t, versions[e.Subject], e.Version)
		require.Equal(t, blown{int(e.Version)}, e.Data)
	}
	require.Equal(t, report.Accepted, events)
	require.Len(t, commands, events)
}

// Every second command panics somewhere, and costs nobody but itself anything.
func TestPanicStorm(t *testing.T) {
	panics := int(number(t, "ORCHESTRIX_PANICS", 1000))
	s := newStorm(t, pipeline.Options{})
	places := []string{"first", "second", "decider", "evolve"}
	wrong := atomic.Int64{}
	source := sources.Seq(func(yield func(*engine.Command) bool) {
		for i := range 2 * panics {
			c, want := gust{}, engine.Accepted
			if i%2 == 0 {
				c.Panics, want = places[i/2%len(places)], engine.DeadLettered
			}
			cmd := s.command(i%37, c)
			cmd.Settled = func(o engine.Outcome) {
				s.told.Add(1)
				if _, panicked := errors.AsType[*engine.PanicError](o.Err); o.Status != want || panicked != (want == engine.DeadLettered) {
					wrong.Add(1)
				}
				if c.Panics != "" && i%3 == 0 {
					panic("so does the source")
				}
			}
			if !yield(cmd) {
				return
			}
		}
	})
	report, err := s.Run(t.Context(), source)
	require.NoError(t, err)
	require.Equal(t, panics, report.DeadLettered)
	require.Equal(t, panics, report.Accepted)
	require.Zero(t, wrong.Load())
	s.requireCalm(t, report)
	t.Logf("%d panics", panics)
}

// Sources, the sinks behind the store and the store itself panic too; each time that ends one of them, and nothing else.
func TestPanicStormAround(t *testing.T) {
	for i := range number(t, "ORCHESTRIX_PANICS", 1000) / 100 {
		s := newStorm(t, pipeline.Options{})
		bad := sources.Seq(func(yield func(*engine.Command) bool) {
			yield(s.command(1, gust{}))
			panic(errJagged)
		})
		good := sources.Seq(func(yield func(*engine.Command) bool) {
			for range 10 {
				if !yield(s.command(2, gust{})) {
					return
				}
			}
		})
		var err error
		s.Pipeline, err = pipeline.New(engine.NewRegistry(weather), sinks.NewStore(s.store).Then(
			sinks.Func(func(*engine.Event) error { panic(errJagged) })), pipeline.Options{
			DeadLetters: sinks.Func(func(*engine.DeadLetter) error { panic(errJagged) }),
		})
		require.NoError(t, err)
		report, err := s.Run(t.Context(), bad, good)
		require.ErrorIs(t, err, errJagged, i)
		require.Equal(t, 11, report.Accepted)
		s.requireCalm(t, report)
	}
}

// Pipelines are started and stopped at any moment, with clients that send all the time.
func TestStartStopStorm(t *testing.T) {
	starts := int(number(t, "ORCHESTRIX_STARTS", 300))
	for i := range starts {
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		s := newStorm(t, pipeline.Options{Window: 1 + rng.IntN(20), Workers: 1 + rng.IntN(8), Batch: 1 + rng.IntN(8)})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var clients sync.WaitGroup
		for client := range 1 + rng.IntN(4) {
			clients.Go(func() {
				for {
					if _, err := s.Send(ctx, s.command(client, gust{})); err != nil {
						return
					}
					s.sent.Add(1)
				}
			})
		}
		for range 1 + rng.IntN(2) { // who stops, and sometimes somebody else at the same time
			clients.Go(func() {
				time.Sleep(time.Duration(rand.N(300)) * time.Microsecond)
				stop()
			})
		}
		report, err := s.Run(ctx)
		require.NoError(t, err, i)
		_, err = s.Run(ctx)
		require.ErrorIs(t, err, engine.ErrClosed)
		clients.Wait()
		require.Equal(t, s.sent.Load(), s.told.Load(), i)
		s.requireCalm(t, report)
	}
	t.Logf("%d pipelines started and stopped", starts)
}

// Callers lose their patience at any moment: before their command is admitted, while it is handled, and after.
func TestCancelStorm(t *testing.T) {
	cancels := int(number(t, "ORCHESTRIX_CANCELS", 3000))
	s := newStorm(t, pipeline.Options{Window: 16})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan pipeline.Report, 1) // the goroutine below sends once; room for it
	go func() {
		report, err := s.Run(ctx)
		if err != nil {
			t.Error(err)
		}
		ended <- report
	}()
	const clients = 32
	var accepted, cancelled atomic.Int64
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(client), 4))
			for range cancels / clients {
				ctx, cancel := context.WithCancel(t.Context())
				patience := rng.IntN(100)
				all.Go(func() {
					if patience > 0 {
						time.Sleep(time.Duration(patience) * time.Microsecond)
					}
					cancel()
				})
				switch o, err := s.Do(ctx, s.command(rng.IntN(8), gust{})); {
				case err == nil && o.Status == engine.Accepted:
					accepted.Add(1)
				case errors.Is(err, context.Canceled):
					cancelled.Add(1)
				default:
					t.Error(fmt.Errorf("neither accepted nor cancelled: %w", err))
				}
			}
		})
	}
	all.Wait()
	stop()
	report := <-ended
	require.EqualValues(t, cancels/clients*clients, accepted.Load()+cancelled.Load())
	require.GreaterOrEqual(t, int64(report.Accepted), accepted.Load(), "what was admitted is handled, whoever waits")
	s.requireCalm(t, report)
	t.Logf("%d contexts cancelled, %d of them before the outcome was told", cancels, cancelled.Load())
}
