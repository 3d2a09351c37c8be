package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

var errPasses = engine.Temporary(errors.New("try again"))

// visit is a command that handlers and a decider of a test answer by its name.
type visit struct{ Name string }

// visits counts calls by who was called, and lets a test say what comes of each.
type visits struct {
	mu    sync.Mutex
	calls map[string]int
	at    map[string][]time.Duration // when, since the test began
	began time.Time
	// answer is what the nth call (from 1) of who for a name comes to.
	answer func(who, name string, n int) error
}

func newVisits(answer func(who, name string, n int) error) *visits {
	return &visits{calls: map[string]int{}, at: map[string][]time.Duration{}, began: time.Now(), answer: answer}
}

func (v *visits) call(who, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := who + " " + name
	v.calls[key]++
	v.at[key] = append(v.at[key], time.Since(v.began))
	return v.answer(who, name, v.calls[key])
}

// Register registers a handler, a decider and another handler, in this sequence.
func (v *visits) Register(r *engine.Registry) {
	handler := func(who string) {
		engine.OnCommand(r, "visit", who, func(_ context.Context, _ *engine.Command, c visit) ([]any, error) {
			if err := v.call(who, c.Name); err != nil {
				return nil, err
			}
			return []any{seen{Handler: who}}, nil
		})
	}
	handler("first")
	d := engine.NewDecider(r, "visits", func() int { return 0 })
	engine.Decide(d, "visit", func(_ context.Context, balance int, c visit) ([]any, error) {
		if err := v.call("decider", c.Name); err != nil {
			return nil, err
		}
		return []any{added{Amount: 1, After: balance + 1}}, nil
	})
	handler("last")
	engine.Evolve(d, "added", func(balance int, e added) int { return balance + e.Amount })
}

// patient is a policy whose pauses are a second or so, and under the race detector, where they are real, some milliseconds.
func patient(attempts int) pipeline.RetryPolicy {
	pause := time.Second
	if raceDetector {
		pause = 2 * time.Millisecond
	}
	return pipeline.RetryPolicy{Attempts: attempts, First: pause, Most: pause, Total: time.Hour, Seed: 1}
}

// virtually runs a test in virtual time, or in real time where virtual timers break the race detector.
func virtually(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if raceDetector {
		test(t)
		return
	}
	synctest.Test(t, test)
}

func TestOnlyWhatFailedRunsAgain(t *testing.T) {
	virtually(t, func(t *testing.T) {
		v := newVisits(func(who, _ string, n int) error {
			if who == "last" && n < 3 || who == "decider" && n < 2 {
				return errPasses
			}
			return nil
		})
		store := memory.New()
		outcomes := newBelt(t, store, pipeline.Options{Retry: patient(9)}, v).feed(engine.NewCommand("a", visit{"x"}))
		require.NoError(t, outcomes[0].Failure())
		require.Equal(t, map[string]int{"first x": 1, "decider x": 2, "last x": 3}, v.calls)
		require.Equal(t, []any{seen{"first"}, added{1, 1}, seen{"last"}}, payloads(stream(t, store, "a")),
			"events stand in registration sequence, however often who was called")
	})
}

// The commands behind one that is tried again wait, and stand behind it in the end; another aggregate does not notice.
func TestRetryIsNotOvertaken(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	synctest.Test(t, func(t *testing.T) {
		v := newVisits(func(who, name string, n int) error {
			if who == "first" && name == "poor" && n < 4 {
				return errPasses
			}
			return nil
		})
		store, began := memory.New(), time.Now()
		cmds := []*engine.Command{
			engine.NewCommand("a", visit{"ahead"}), engine.NewCommand("a", visit{"poor"}), engine.NewCommand("a", visit{"behind"}),
			engine.NewCommand("b", visit{"elsewhere"}), engine.NewCommand("a", note{}),
		}
		ends := make([]time.Duration, len(cmds))
		for i, cmd := range cmds {
			cmd.Settled = func(engine.Outcome) { ends[i] = time.Since(began) }
		}
		b := newBelt(t, store, pipeline.Options{Retry: patient(5)}, v)
		outcomes := b.feed(cmds...)
		for i, o := range outcomes {
			require.NoError(t, o.Failure(), i)
		}
		require.Equal(t, []engine.Version{1, 4, 7, 1, 10},
			[]engine.Version{outcomes[0].First, outcomes[1].First, outcomes[2].First, outcomes[3].First, outcomes[4].First})
		require.Zero(t, ends[0], "what is ahead is done")
		require.Zero(t, ends[3], "another aggregate does not notice")
		require.NotZero(t, ends[1])
		require.GreaterOrEqual(t, ends[2], ends[1])
		require.Equal(t, 1, v.calls["first behind"], "its handlers ran ahead of it, once")
		require.True(t, b.report.Sequence.OK())
	})
}

func TestRetryEnds(t *testing.T) {
	fails := func(err error) func(string, string, int) error { return func(string, string, int) error { return err } }
	both := func(who, _ string, _ int) error {
		if who == "first" {
			return errPasses
		}
		return errBroken
	}
	for name, c := range map[string]struct {
		answer func(who, name string, n int) error
		retry  pipeline.RetryPolicy
		calls  int // of the first handler
	}{
		"attempts":            {fails(errPasses), patient(4), 4},
		"the first was all":   {fails(errPasses), once, 1},
		"permanent":           {fails(errBroken), patient(4), 1},
		"marked permanent":    {fails(engine.Permanent(context.DeadlineExceeded)), patient(4), 1},
		"deadline":            {fails(context.DeadlineExceeded), patient(4), 4},
		"one of two for good": {both, patient(4), 1},
		"classified by the user": {
			fails(errBroken), pipeline.RetryPolicy{Attempts: 3, Retryable: func(err error) bool { return errors.Is(err, errBroken) }}, 3,
		},
		"time": {
			fails(errPasses), pipeline.RetryPolicy{Attempts: 1000, First: time.Second, Most: time.Second, Total: time.Millisecond, Seed: 1}, 1,
		},
		"a panic": {func(string, string, int) error { panic(errPasses) }, patient(4), 1},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				v := newVisits(c.answer)
				outcomes := newBelt(t, memory.New(), pipeline.Options{Retry: c.retry}, v).feed(
					engine.NewCommand("a", visit{"x"}), engine.NewCommand("a", note{}))
				require.Equal(t, engine.DeadLettered, outcomes[0].Status)
				require.Equal(t, engine.Accepted, outcomes[1].Status, "the lane goes on")
				require.Equal(t, c.calls, v.calls["first x"])
			})
		})
	}
}

// A handler that refuses does so once, while the other one is tried again; what counts in the end is the refusal.
func TestRejectionBesideRetry(t *testing.T) {
	virtually(t, func(t *testing.T) {
		v := newVisits(func(who, _ string, n int) error {
			switch {
			case who == "first":
				return engine.Reject("no")
			case n < 3:
				return errPasses
			}
			return nil
		})
		o := newBelt(t, memory.New(), pipeline.Options{Retry: patient(4)}, v).feed(engine.NewCommand("a", visit{"x"}))[0]
		require.Equal(t, engine.Rejected, o.Status)
		require.Equal(t, "rejected: no", (&engine.RejectedError{Reason: o.Reason}).Error(), "told once")
		require.Equal(t, map[string]int{"first x": 1, "last x": 3}, v.calls)
	})
}

// The same seed, command and failures give the same pauses; another seed gives others. No pause is beyond its bound.
func TestPausesFollowFromTheSeed(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	pauses := func(seed uint64) (pauses []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			v := newVisits(func(string, string, int) error { return errPasses })
			cmd := engine.NewCommand("a", visit{"x"})
			cmd.ID = engine.NameID("test", "x")
			newBelt(t, memory.New(), pipeline.Options{Retry: pipeline.RetryPolicy{Attempts: 9, Seed: seed}}, v).feed(cmd)
			at := v.at["first x"]
			for i := range at[1:] {
				pauses = append(pauses, at[i+1]-at[i])
			}
		})
		return pauses
	}
	one := pauses(1)
	require.Equal(t, one, pauses(1))
	require.NotEqual(t, one, pauses(2))
	require.Len(t, one, 8)
	for i, pause := range one {
		require.LessOrEqual(t, pause, min(5*time.Second, 50*time.Millisecond<<i), i)
	}
}

// So do the rests of a lane between conflicts.
func TestRestsFollowFromTheSeed(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	took := func(seed uint64) (took time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			store, _ := intruded(20)
			cmd := engine.NewCommand("a", put{Amounts: []int{1}})
			cmd.ID = engine.NameID("test", "x")
			began := time.Now()
			newBelt(t, store, pipeline.Options{Retry: pipeline.RetryPolicy{Seed: seed}}).feed(cmd)
			took = time.Since(began)
		})
		return took
	}
	one := took(1)
	require.Positive(t, one)
	require.Equal(t, one, took(1))
	require.NotEqual(t, one, took(2))
}

// A lane that rests for long does not outlive the drain: its commands are told that they were not decided.
func TestDrainEndsTheRest(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	synctest.Test(t, func(t *testing.T) {
		v := newVisits(func(string, string, int) error { return errPasses })
		b := newBelt(t, memory.New(), pipeline.Options{DrainTimeout: time.Second, Retry: pipeline.RetryPolicy{
			Attempts: 1000, First: time.Hour, Most: time.Hour, Total: 1000 * time.Hour, Seed: 1,
		}}, v).start()
		receipt, err := b.Send(t.Context(), engine.NewCommand("a", visit{"x"}))
		require.NoError(t, err)
		synctest.Wait()
		began := time.Now()
		b.stop()
		<-b.ended
		require.ErrorIs(t, b.err, pipeline.ErrStopped)
		require.Equal(t, time.Second, time.Since(began))
		o, err := receipt.Wait(t.Context())
		require.NoError(t, err)
		require.ErrorIs(t, o.Err, pipeline.ErrStopped)
		require.Equal(t, engine.DeadLettered, o.Status)
	})
}

// What the store fails may be tried again too, and a reply that was lost is asked for: nothing is stored twice.
func TestStoreIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		applied bool // all the same
	}{
		"temporary":          {err: engine.Temporary(errDown)},
		"no answer":          {err: fmt.Errorf("power: %w", engine.ErrUnknown)},
		"no answer, applied": {err: fmt.Errorf("power: %w", engine.ErrUnknown), applied: true},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				inner, fails := memory.New(), 3
				store := storeFuncs{Store: inner, append: func(ctx context.Context, batch []engine.Append) []engine.Result {
					if fails--; fails < 0 {
						return inner.Append(ctx, batch)
					}
					if c.applied {
						inner.Append(ctx, batch)
					}
					results := make([]engine.Result, len(batch))
					for i := range results {
						results[i].Err = c.err
					}
					return results
				}}
				b := newBelt(t, store, pipeline.Options{Retry: patient(9)})
				for i, o := range b.feed(puts("a", 6)...) {
					require.NoError(t, o.Failure())
					require.EqualValues(t, i+1, o.First)
				}
				require.Equal(t, 6, balanceOf(t, inner, "a"))
				require.True(t, b.report.Sequence.OK())
			})
		})
	}
}

// A store that did not answer and then is gone may have the command: nobody may be told that nothing is stored.
func TestUnknownStaysUnknown(t *testing.T) {
	virtually(t, func(t *testing.T) {
		inner, calls, together := memory.New(), 0, 0
		store := storeFuncs{Store: inner, append: func(ctx context.Context, batch []engine.Append) []engine.Result {
			results := inner.Append(ctx, batch)
			if calls++; calls == 1 {
				together = len(batch)
				inner.Close()
				for i := range results {
					results[i].Err = engine.ErrUnknown
				}
			}
			return results
		}}
		cmds := puts("a", 2)
		outcomes := watch(cmds...)
		b := newBelt(t, store, pipeline.Options{Retry: patient(3)})
		_, err := b.Run(t.Context(), sources.Slice(cmds))
		require.ErrorIs(t, err, engine.ErrClosed)
		require.Equal(t, 2, together, "in one append: another would have found the store closed")
		for _, o := range outcomes() {
			require.Equal(t, engine.Unknown, o.Status)
			require.ErrorIs(t, o.Failure(), engine.ErrUnknown)
		}
	})
}

func TestRetryPolicyFaults(t *testing.T) {
	_, err := pipeline.New(engine.NewRegistry(), nil, pipeline.Options{Retry: pipeline.RetryPolicy{
		Attempts: 1001, First: -1, Most: -1, Total: -1,
	}})
	for _, field := range []string{"Attempts", "First", "Most", "Total"} {
		require.ErrorContains(t, err, "Options.Retry."+field)
	}
}
