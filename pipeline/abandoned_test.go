package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

const (
	// patience is the HandlerTimeout of these tests.
	patience = time.Minute
	// spared is how long after its timeout code that does not return is given up: the grace, and the lookout's looks.
	spared = 500*time.Millisecond + 3*freed
)

// stall is a command that stalls somewhere. Deaf code does not hear that its context is cancelled.
type stall struct {
	Where string
	For   time.Duration
	Deaf  bool
}

// stalled is the event of it.
type stalled struct{ Stall stall }

// UnmarshalJSON stalls too.
func (s *stall) UnmarshalJSON(text []byte) error {
	type plain stall
	if err := json.Unmarshal(text, (*plain)(s)); err != nil {
		return err
	}
	return s.at(context.Background(), "codec")
}

func (s *stall) at(ctx context.Context, where string) error {
	switch {
	case s.Where != where:
		return nil
	case s.Deaf || where == "codec" || where == "evolve":
		time.Sleep(s.For)
		return nil
	default:
		if err := wait(ctx, s.For); err != nil {
			return fmt.Errorf("told: %w", context.Cause(ctx))
		}
		return nil
	}
}

// stalls is the domain of stall: two handlers around a decider. It counts what is called.
type stalls struct {
	slow, other, decided atomic.Int32
	loading              atomic.Bool // folding stalls at "load"
}

func (m *stalls) Register(r *engine.Registry) {
	engine.OnCommand(r, "stall", "slow", func(ctx context.Context, _ *engine.Command, s stall) ([]any, error) {
		m.slow.Add(1)
		return nil, s.at(ctx, "handler")
	})
	d := engine.NewDecider(r, "staller", func() int { return 0 })
	engine.Decide(d, "stall", func(ctx context.Context, n int, s stall) ([]any, error) {
		m.decided.Add(1)
		return []any{stalled{s}, added{Amount: 1, After: n + 1}}, s.at(ctx, "decider")
	})
	engine.OnCommand(r, "stall", "other", func(context.Context, *engine.Command, stall) ([]any, error) {
		m.other.Add(1)
		return []any{seen{"other"}}, nil
	})
	engine.Evolve(d, "stalled", func(n int, e stalled) int {
		_ = e.Stall.at(context.Background(), "evolve")
		if m.loading.Load() {
			_ = e.Stall.at(context.Background(), "load")
		}
		return n + 1
	})
}

// command makes one that is encoded, so that there is something for a codec to do.
func (s stall) command(t testing.TB, aggregate string) *engine.Command {
	text, err := json.Marshal(struct {
		Where string
		For   time.Duration
		Deaf  bool
	}(s))
	require.NoError(t, err)
	cmd := engine.NewCommand(aggregate, engine.Raw(text))
	cmd.Type = "stall"
	return cmd
}

// places are where code stalls, and what a timeout names it. Quick says that handlers run in the worker's goroutine.
var places = map[string]struct {
	where, names string
	quick        bool
}{
	"handler":       {"handler", "slow", false},
	"quick handler": {"handler", "slow", true},
	"decider":       {"decider", "staller", false},
	"quick decider": {"decider", "staller", true},
	"evolve":        {"evolve", "staller", false},
	"quick evolve":  {"evolve", "staller", true},
	"codec":         {"codec", "codec", false},
}

// warm is enough commands to learn that handlers are quick.
func warm(t testing.TB, quick bool) []*engine.Command {
	if !quick {
		return nil
	}
	cmds := make([]*engine.Command, 1000)
	for i := range cmds {
		cmds[i] = stall{}.command(t, fmt.Sprint("warm", i%10))
	}
	return cmds
}

// Code that hears that its context is cancelled has failed with its timeout, and nothing else has happened.
func TestHandlerTimeoutIsHeard(t *testing.T) {
	for name, place := range places {
		if place.where == "codec" || place.where == "evolve" {
			continue // they get no context
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				domain := new(stalls)
				b := newBelt(t, memory.New(), pipeline.Options{HandlerTimeout: patience, Retry: once, Workers: 2}, domain)
				cmd := stall{Where: place.where, For: time.Hour}.command(t, "a")
				outcomes := watch(cmd)
				took := b.inWaves(warm(t, place.quick), []*engine.Command{cmd})
				o := outcomes()[0]
				require.Equal(t, engine.DeadLettered, o.Status)
				require.ErrorIs(t, o.Err, engine.ErrTimeout)
				require.True(t, engine.Retryable(o.Err))
				var timeout *engine.TimeoutError
				require.ErrorAs(t, o.Err, &timeout)
				require.Equal(t, &engine.TimeoutError{Handler: place.names, After: patience}, timeout)
				require.ErrorContains(t, o.Err, "told: ", "the cause of the cancelled context is the timeout")
				require.GreaterOrEqual(t, took[0], patience)
				require.LessOrEqual(t, took[0], patience+3*freed)
				require.Zero(t, b.Abandoned())
				require.Empty(t, stream(t, b.store, "a"))
			})
		})
	}
}

// Code that is deaf is given up: its command has failed, its lane goes on, there are as many workers as before, and what it
// makes in the end is dropped.
func TestDeafCodeIsAbandoned(t *testing.T) {
	for name, place := range places {
		for kind, store := range stores() {
			for _, workers := range []int{1, 3} {
				t.Run(fmt.Sprint(name, "/", kind, "/workers=", workers), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						domain := new(stalls)
						b := newBelt(t, store, pipeline.Options{HandlerTimeout: patience, Retry: once, Workers: workers}, domain)
						var abandoned int
						aggregate := fmt.Sprint(name, workers)
						cmds := []*engine.Command{
							stall{}.command(t, aggregate), stall{Where: place.where, For: time.Hour, Deaf: true}.command(t, aggregate),
							stall{}.command(t, aggregate), stall{}.command(t, "another"),
						}
						cmds[1].Settled = func(o engine.Outcome) {
							abandoned = b.Abandoned()
							require.ErrorIs(t, o.Err, engine.ErrTimeout)
							require.ErrorContains(t, o.Err, fmt.Sprintf("handler %q took longer than 1m0s", place.names))
						}
						outcomes := watch(cmds...)
						before := len(stream(t, store, "another"))
						took := b.tryWaves(warm(t, place.quick), cmds)
						require.Equal(t, 1, abandoned)
						for i, want := range []engine.Status{engine.Accepted, engine.DeadLettered, engine.Accepted, engine.Accepted} {
							require.Equal(t, want, outcomes()[i].Status, "%d: %v", i, outcomes()[i].Err)
							require.LessOrEqual(t, took[i], patience+spared)
						}
						require.Len(t, stream(t, store, aggregate), 6, "three events of each command that was accepted")
						require.Len(t, stream(t, store, "another"), before+3)
						time.Sleep(2 * time.Hour) // it has come back
						require.Zero(t, b.Abandoned())
						require.Len(t, stream(t, store, aggregate), 6)
						require.True(t, b.report.Sequence.OK())
						require.ErrorIs(t, b.err, engine.ErrTimeout)
						require.ErrorContains(t, b.err, fmt.Sprintf("1 handlers were given up after their timeouts and still run: %q of stall (1)", place.names))
					})
				})
			}
		}
	}
}

// When a command is attempted again, only the handler that was given up is called again.
func TestAbandonedHandlerIsCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow, other atomic.Int32
		b := newBelt(t, memory.New(), pipeline.Options{HandlerTimeout: time.Second}, module(func(r *engine.Registry) {
			engine.OnCommand(r, "step", "slow", func(context.Context, *engine.Command, step) ([]any, error) {
				if n := slow.Add(1); n < 3 {
					time.Sleep(time.Hour)
					return []any{seen{"late"}}, nil
				}
				return []any{seen{"slow"}}, nil
			})
			engine.OnCommand(r, "step", "other", func(context.Context, *engine.Command, step) ([]any, error) {
				other.Add(1)
				return []any{seen{"other"}}, nil
			})
		})).start()
		o, err := b.Do(context.Background(), engine.NewCommand("a", step{}))
		require.NoError(t, err)
		require.Equal(t, 2, o.Events())
		require.Equal(t, 2, b.Abandoned())
		b.stop()
		<-b.ended
		require.ErrorContains(t, b.err, `2 handlers were given up after their timeouts and still run: "slow" of step (2)`)
		require.EqualValues(t, 3, slow.Load())
		require.EqualValues(t, 1, other.Load())
		time.Sleep(2 * time.Hour)
		require.Zero(t, b.Abandoned())
		require.Equal(t, []any{seen{"slow"}, seen{"other"}}, payloads(stream(t, b.store, "a")))
	})
}

// A state that takes too long to be folded is loaded anew for the commands behind.
func TestLoadIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, domain := memory.New(), new(stalls)
		newBelt(t, store, pipeline.Options{}, domain).feed(stall{Where: "load", For: time.Hour}.command(t, "a"))
		domain.loading.Store(true)
		b := newBelt(t, store, pipeline.Options{HandlerTimeout: patience, Retry: once}, domain)
		first, second := stall{}.command(t, "a"), stall{}.command(t, "a")
		first.Settled = func(engine.Outcome) { domain.loading.Store(false) }
		outcomes := watch(first, second)
		report, err := b.Run(context.Background(), sources.Slice([]*engine.Command{first, second}))
		require.ErrorIs(t, err, engine.ErrTimeout)
		require.Equal(t, 1, report.Accepted)
		require.ErrorIs(t, outcomes()[0].Err, engine.ErrTimeout)
		require.Equal(t, engine.Accepted, outcomes()[1].Status)
		time.Sleep(2 * time.Hour)
	})
}

// A command has a time for all of its attempts together, and for its waiting in the lane.
func TestCommandTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		domain := new(stalls)
		b := newBelt(t, memory.New(), pipeline.Options{
			HandlerTimeout: 40 * time.Second, CommandTimeout: 100 * time.Second,
			Retry: pipeline.RetryPolicy{Total: time.Hour, First: time.Second, Most: time.Second},
		}, domain)
		cmds := []*engine.Command{
			stall{Where: "handler", For: time.Hour}.command(t, "a"), stall{}.command(t, "a"), stall{}.command(t, "b"),
		}
		outcomes := watch(cmds...)
		took := b.inWaves(cmds)
		for i, o := range outcomes()[:2] {
			require.Equal(t, engine.DeadLettered, o.Status)
			require.ErrorContains(t, o.Err, "the command took longer than 1m40s")
			require.False(t, engine.Retryable(o.Err))
			require.GreaterOrEqual(t, took[i], 100*time.Second)
			require.LessOrEqual(t, took[i], 100*time.Second+freed)
		}
		require.Equal(t, engine.Accepted, outcomes()[2].Status)
		require.EqualValues(t, 3, domain.slow.Load()-2, "three attempts of the first, one of each other's handlers")
	})
}

// No limit is no limit.
func TestNoHandlerTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{HandlerTimeout: -1}, new(stalls))
		took := b.inWaves([]*engine.Command{stall{Where: "handler", For: 100 * time.Hour, Deaf: true}.command(t, "a")})
		require.Equal(t, 1, b.report.Accepted)
		require.Equal(t, 100*time.Hour, took[0])
	})
}

// At the cap no more is read, and the error says whose fault it is.
func TestCapOfAbandonedHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 10
		read := 0
		b := newBelt(t, memory.New(), pipeline.Options{
			HandlerTimeout: time.Second, Retry: once, Window: most, Abandoned: most, DrainTimeout: time.Hour,
		}, new(stalls))
		report, err := b.Run(context.Background(), sources.Seq(func(yield func(*engine.Command) bool) {
			for read++; yield(stall{Where: "handler", For: time.Hour, Deaf: true}.command(t, fmt.Sprint("a", read))); read++ {
			}
		}))
		require.ErrorContains(t, err, `pipeline: nothing more is read: engine: timed out: 10 handlers were given up after their timeouts and still run: "slow" of stall (10)`)
		require.Equal(t, report.Commands, report.DeadLettered)
		require.Zero(t, report.InFlight)
		time.Sleep(2 * time.Hour)
		require.Zero(t, b.Abandoned())
	})
}

// A panic is a panic, and an outcome a failure, also when it comes too late to count.
func TestLateOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		late func() error
		want error
		not  error
	}{
		"nothing":   {func() error { return nil }, engine.ErrTimeout, nil},
		"rejection": {func() error { return engine.Reject("late") }, engine.ErrTimeout, engine.ErrRejected},
		"error":     {func() error { return errBroken }, engine.ErrTimeout, nil},
		"panic":     {func() error { panic(errBroken) }, errBroken, engine.ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBelt(t, memory.New(), pipeline.Options{HandlerTimeout: time.Second, Retry: once},
					steps(1, func(ctx context.Context, _ int) error {
						<-ctx.Done()
						time.Sleep(100 * time.Millisecond)
						return c.late()
					}))
				o := b.feed(engine.NewCommand("a", step{Go: true}))[0]
				require.Equal(t, engine.DeadLettered, o.Status)
				require.ErrorIs(t, o.Err, c.want)
				if c.not != nil {
					require.False(t, errors.Is(o.Err, c.not))
				}
			})
		})
	}
}
