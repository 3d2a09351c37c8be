package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// intruded is a store in which another writer comes before the first n appends of a call that has any.
func intruded(n int) (store storeFuncs, calls *atomic.Int64) {
	inner, calls := memory.New(), new(atomic.Int64)
	return storeFuncs{Store: inner, append: func(ctx context.Context, batch []engine.Append) []engine.Result {
		if calls.Add(1) <= int64(n) {
			inner.Append(ctx, []engine.Append{foreignAppend(batch[0].Aggregate)})
		}
		return inner.Append(ctx, batch)
	}}, calls
}

// Another writer is always faster, for as many rounds as are allowed: all is decided again, in sequence, none is lost.
func TestConflictsAreDecidedAgain(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	synctest.Test(t, func(t *testing.T) {
		store, calls := intruded(20)
		b := newBelt(t, store, pipeline.Options{Batch: 1})
		outcomes := b.feed(puts("a", 30)...)
		require.Equal(t, 30, statuses(outcomes)[engine.Accepted])
		for i := 1; i < len(outcomes); i++ {
			require.Greater(t, outcomes[i].First, outcomes[i-1].First)
		}
		require.EqualValues(t, 50, calls.Load())
		require.Equal(t, 50, balanceOf(t, store, "a"))
		require.Equal(t, 30, b.report.Events)
		require.True(t, b.report.Sequence.OK())
	})
}

// A batch of three was decided on version 0. Another writer then wrote one event, so that the first append conflicts; the
// second expects version 1, which is there, but is not what it was decided on.
func TestNoBatchIsHalfConflicting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, _ := intruded(1)
		outcomes := newBelt(t, store, pipeline.Options{}).feed(puts("a", 3)...)
		require.Equal(t, 4, balanceOf(t, store, "a"))
		for i, o := range outcomes {
			require.EqualValues(t, i+2, o.First)
		}
	})
}

// A stateless command must not slip past a decider's command that met a conflict.
func TestStatelessCommandsDoNotOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, _ := intruded(1)
		outcomes := newBelt(t, store, pipeline.Options{}).feed(
			engine.NewCommand("a", put{Amounts: []int{1, 1}}), engine.NewCommand("a", note{}), engine.NewCommand("a", note{}))
		require.EqualValues(t, []engine.Version{2, 4, 6},
			[]engine.Version{outcomes[0].First, outcomes[1].First, outcomes[2].First})
	})
}

// Another writer who never rests: the command at the head is given up, then the next has its turns.
func TestConflictBound(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	synctest.Test(t, func(t *testing.T) {
		store, calls := intruded(9)
		cmds := puts("a", 5)
		outcomes := newBelt(t, store, pipeline.Options{Conflicts: 3, Batch: 1}).feed(cmds...)
		require.Equal(t, map[engine.Status]int{engine.DeadLettered: 2, engine.Accepted: 3}, statuses(outcomes))
		for _, o := range outcomes[:2] { // each in 4 rounds; the third succeeds in its second
			require.ErrorIs(t, o.Err, engine.ErrConflict)
			require.ErrorContains(t, o.Err, "in 4 rounds")
		}
		require.EqualValues(t, 4+4+2+1+1, calls.Load())
		require.Equal(t, 12, balanceOf(t, store, "a"))
	})
}

// Commands that cannot be stored break the batch behind them each time; that is no conflict of those.
func TestPoisonDoesNotSpendTheConflictsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const poisoned = 5
		cmds := puts("a", 10)
		for i := range poisoned {
			cmds[i] = engine.NewCommand("a", put{Fault: tooManyPayloads})
		}
		outcomes := newBelt(t, memory.New(), pipeline.Options{Conflicts: poisoned - 1}).feed(cmds...)
		for i, o := range outcomes {
			if i < poisoned {
				require.ErrorIs(t, o.Err, engine.ErrLimit)
			} else {
				require.NoError(t, o.Failure(), i)
			}
		}
	})
}

// What the store answers, and what the command is told.
func TestStoreErrors(t *testing.T) {
	fails := func(err error) func([]engine.Append) []engine.Result {
		return func(batch []engine.Append) []engine.Result {
			results := make([]engine.Result, len(batch))
			for i := range results {
				results[i].Err = err
			}
			return results
		}
	}
	// A store that is closed ends the run: see TestShutStoreEndsTheReading.
	for name, c := range map[string]struct {
		answer func([]engine.Append) []engine.Result
		status engine.Status
		want   error
	}{
		"down":         {fails(errDown), engine.DeadLettered, errDown},
		"cancelled":    {fails(context.Canceled), engine.DeadLettered, context.Canceled},
		"no answer":    {fails(fmt.Errorf("power: %w", engine.ErrUnknown)), engine.Unknown, engine.ErrUnknown},
		"panic":        {func([]engine.Append) []engine.Result { panic("torn") }, engine.Unknown, engine.ErrUnknown},
		"no results":   {func([]engine.Append) []engine.Result { return nil }, engine.Unknown, engine.ErrUnknown},
		"more results": {func([]engine.Append) []engine.Result { return make([]engine.Result, 99) }, engine.Unknown, engine.ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			inner, broken := memory.New(), true
			store := storeFuncs{Store: inner, append: func(ctx context.Context, batch []engine.Append) []engine.Result {
				if broken {
					broken = false
					return c.answer(batch)
				}
				return inner.Append(ctx, batch)
			}}
			cmds := puts("a", 6)
			outcomes := newBelt(t, store, pipeline.Options{Batch: 3, Retry: once}).feed(cmds...)
			for _, o := range outcomes[:3] {
				require.Equal(t, c.status, o.Status)
				require.ErrorIs(t, o.Failure(), c.want)
			}
			for _, o := range outcomes[3:] {
				require.Equal(t, engine.Accepted, o.Status, "the lane goes on")
			}
			require.Equal(t, 3, balanceOf(t, inner, "a"))
		})
	}
}

// A reply that was lost: the command was stored, its sender was told unknown and sends it again.
func TestUnknownAndAgain(t *testing.T) {
	inner := memory.New()
	deaf := storeFuncs{Store: inner, append: func(ctx context.Context, batch []engine.Append) []engine.Result {
		inner.Append(ctx, batch)
		return nil
	}}
	cmd := engine.NewCommand("a", put{Amounts: []int{1}})
	require.Equal(t, engine.Unknown, newBelt(t, deaf, pipeline.Options{}).feed(cmd)[0].Status)
	o := newBelt(t, inner, pipeline.Options{}).feed(fresh(cmd))[0]
	require.Equal(t, engine.Outcome{
		CommandID: cmd.ID, Status: engine.Accepted, First: 1, Last: 1, Position: 1, Repeated: true,
	}, o)
}

// A store that cannot be read costs those who need it, and panics are its, not ours.
func TestLoadErrors(t *testing.T) {
	for name, load := range map[string]func(func(engine.Event, error) bool){
		"error": func(yield func(engine.Event, error) bool) { yield(engine.Event{}, errBroken) },
		"panic": func(func(engine.Event, error) bool) { panic(errBroken) },
		"an event that cannot be folded": func(yield func(engine.Event, error) bool) {
			yield(engine.Event{Message: engine.Message{Type: "bomb", Data: bomb{}}}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := badLoads{memory.New(), load}
			outcomes := newBelt(t, store, pipeline.Options{}).feed(engine.NewCommand("bad", note{}),
				engine.NewCommand("bad", put{}), engine.NewCommand("bad", note{}), engine.NewCommand("good", put{Amounts: []int{1}}))
			require.ErrorIs(t, outcomes[1].Err, errBroken)
			require.ErrorContains(t, outcomes[1].Err, `aggregate "bad" cannot be loaded`)
			for _, i := range []int{0, 2, 3} {
				require.NoError(t, outcomes[i].Failure(), "who needs no state goes on")
			}
		})
	}
}

type badLoads struct {
	engine.Store
	load iter.Seq2[engine.Event, error]
}

func (s badLoads) Load(ctx context.Context, aggregate string, from engine.Version) iter.Seq2[engine.Event, error] {
	if aggregate == "bad" {
		return s.load
	}
	return s.Store.Load(ctx, aggregate, from)
}

// hostile is a payload whose own code panics.
type hostile struct{ Data string }

func (h *hostile) UnmarshalJSON([]byte) error { panic("hostile to decode") }

type poke struct{ Out string }

// The code of payloads runs in the worker: its panic is one failed command.
func TestPayloadsThatPanic(t *testing.T) {
	modules := module(func(r *engine.Registry) {
		engine.OnCommand(r, "hostile", "h", func(context.Context, *engine.Command, hostile) ([]any, error) { return nil, nil })
		engine.OnCommand(r, "poke", "p", func(_ context.Context, _ *engine.Command, c poke) ([]any, error) {
			return []any{struckBy(c)}, nil
		})
		engine.RegisterEvent[struckBy](r, "struck")
		d := engine.NewDecider(r, "void", func() int { panic("no initial state") })
		engine.Decide(d, "void", func(context.Context, int, void) ([]any, error) { return nil, nil })
	})
	in := engine.NewCommand("a", engine.Raw(`{"Data":"x"}`))
	in.Type = "hostile"
	store := encoder{memory.New()}
	outcomes := newBelt(t, store, pipeline.Options{}, modules).feed(in, engine.NewCommand("a", poke{"x"}),
		engine.NewCommand("b", void{}), engine.NewCommand("a", poke{}))
	for i, o := range outcomes[:3] {
		var p *engine.PanicError
		require.ErrorAs(t, o.Err, &p, i)
	}
	require.NoError(t, outcomes[3].Failure())
}

type (
	void     struct{}
	struckBy struct{ Out string }
)

// encoder is a store whose encoding panics on some payloads, as a payload's MarshalJSON may.
type encoder struct{ engine.Store }

func (encoder) EncodePayloads(events []engine.Event) error {
	for _, e := range events {
		if s, ok := e.Data.(struckBy); ok && s.Out != "" {
			panic("hostile to encode")
		}
	}
	return nil
}

// Every dead letter arrives whole, and the pipeline waits for the last.
func TestDeadLettersSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var letters []*engine.DeadLetter
		sink := sinks.Func(func(l *engine.DeadLetter) error {
			time.Sleep(time.Millisecond) // slower than the belt
			letters = append(letters, l)
			return nil
		})
		cmds := puts("a", 200)
		for i := 0; i < len(cmds); i += 2 {
			cmds[i] = engine.NewCommand(fmt.Sprint("b", i%7), note{Fault: handlerFails})
			cmds[i].Origin = fmt.Sprint("file:", i)
		}
		b := newBelt(t, memory.New(), pipeline.Options{DeadLetters: sink, Workers: 4})
		outcomes := b.feed(cmds...)
		require.Len(t, letters, 100)
		for _, l := range letters {
			var i int
			_, err := fmt.Sscanf(l.Command.Origin, "file:%d", &i)
			require.NoError(t, err)
			require.Same(t, cmds[i], l.Command)
			require.ErrorIs(t, l.Err, errBroken)
			require.Equal(t, outcomes[i].Err, l.Err)
		}
		require.Equal(t, 100, b.report.DeadLettered)
	})
}

// A sink of dead letters that stops reading must not keep the belt from stopping.
func TestDeadLettersSinkThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{}) // the test closes it, the sink receives; nobody sends
		sink := sinks.Func(func(*engine.DeadLetter) error { <-release; return nil })
		b := newBelt(t, memory.New(), pipeline.Options{DeadLetters: sink, DrainTimeout: time.Second}).start()
		for range 200 { // more than the sink's inlet holds
			_, err := b.Send(t.Context(), engine.NewCommand("a", note{Fault: handlerFails}))
			require.NoError(t, err)
		}
		b.stop()
		time.Sleep(time.Hour)
		bounded := false
		select {
		case <-b.ended:
			bounded = true
		default:
		}
		close(release)
		<-b.ended
		require.True(t, bounded)
		require.ErrorIs(t, b.err, pipeline.ErrStopped)
		require.NotContains(t, b.err.Error(), "ignore their cancellation", "no worker is left with a letter that its sink does not take")
	})
}

// Settled is called once for each command, and its panic is the source's.
func TestSettledThatPanics(t *testing.T) {
	cmds := puts("a", 50)
	calls := make([]int, len(cmds))
	for i, cmd := range cmds {
		if i == 9 {
			cmd.Data = put{Fault: deciderFails}
		}
		cmd.Settled = func(engine.Outcome) {
			calls[i]++
			panic(errors.New("settled"))
		}
	}
	b := newBelt(t, memory.New(), pipeline.Options{})
	b.feed(cmds...)
	require.Equal(t, 49, b.report.Accepted)
	require.Equal(t, strings.Repeat("1", 50), strings.Trim(strings.ReplaceAll(fmt.Sprint(calls), " ", ""), "[]"))
}
