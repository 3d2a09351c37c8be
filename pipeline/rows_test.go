package pipeline_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// errand is a command whose payload names itself, and so do its events, its refusals and its failures.
type errand struct {
	Name  string // also the command's Origin
	Fate  fate
	At    string           // whose code meets the fate
	Waits [2]time.Duration // of the handlers
}

type (
	tell errand                    // two handlers
	ask  errand                    // the decider alone
	both errand                    // a handler, then the decider, then a handler
	mark struct{ Name, By string } // one event of each handler and of the decider
)

type fate string

const (
	fails    fate = "failed"
	panicked fate = "panicked"
	refused  fate = "refused"
	exits    fate = "exits"
	untyped  fate = "untyped"
)

// run is the code of the handler or decider called by.
func (e errand) run(by string) ([]any, error) {
	made := []any{mark{e.Name, by}}
	if e.At != by {
		return made, nil
	}
	switch e.Fate {
	case fails:
		return made, fmt.Errorf("%s %s", e.Name, e.Fate)
	case panicked:
		panic(fmt.Sprintf("%s %s", e.Name, e.Fate))
	case refused:
		return made, engine.Reject("%s %s", e.Name, e.Fate)
	case exits:
		runtime.Goexit()
	case untyped:
		return append(made, unnamed{}), nil
	}
	return made, nil
}

// handler is handler i of a command.
func (e errand) handler(ctx context.Context, cmd *engine.Command, i int) ([]any, error) {
	if cmd.Origin != e.Name {
		return nil, fmt.Errorf("the handler got the payload of %s with the command %s", e.Name, cmd.Origin)
	}
	if e.Waits[i] > 0 {
		if err := wait(ctx, e.Waits[i]); err != nil {
			return nil, err
		}
	}
	return e.run(fmt.Sprint("h", i))
}

// errands registers all of it.
var errands = module(func(r *engine.Registry) {
	d := engine.NewDecider(r, "errands", func() int { return 0 })
	on := engine.OnCommand[tell]
	for i := range 2 {
		on(r, "tell", fmt.Sprint("h", i), func(ctx context.Context, cmd *engine.Command, c tell) ([]any, error) {
			return errand(c).handler(ctx, cmd, i)
		})
	}
	engine.OnCommand(r, "both", "h0", func(ctx context.Context, cmd *engine.Command, c both) ([]any, error) {
		return errand(c).handler(ctx, cmd, 0)
	})
	engine.Decide(d, "ask", func(_ context.Context, _ int, c ask) ([]any, error) { return errand(c).run("d") })
	engine.Decide(d, "both", func(_ context.Context, _ int, c both) ([]any, error) { return errand(c).run("d") })
	engine.OnCommand(r, "both", "h1", func(ctx context.Context, cmd *engine.Command, c both) ([]any, error) {
		return errand(c).handler(ctx, cmd, 1)
	})
	engine.Evolve(d, "mark", func(n int, _ mark) int { return n + 1 })
})

// errandOf gives what a command says, and whose marks its events are.
func errandOf(cmd *engine.Command) (e errand, by []string) {
	switch c := cmd.Data.(type) {
	case tell:
		return errand(c), []string{"h0", "h1"}
	case ask:
		return errand(c), []string{"d"}
	case both:
		return errand(c), []string{"h0", "d", "h1"}
	}
	panic("no errand")
}

// mixture is one random run of errands.
type mixture struct {
	rng      *rand.Rand
	seed     uint64
	store    *shaky
	options  pipeline.Options
	commands []*engine.Command
	letters  map[*engine.Command]error
}

func newMixture(seed uint64) *mixture {
	rng := rand.New(rand.NewPCG(seed, 21))
	m := &mixture{rng: rng, seed: seed, letters: map[*engine.Command]error{}}
	m.options = pipeline.Options{
		Workers: pick(rng, 1, 2, 5, 64), Window: pick(rng, 3, 64, 4096), Batch: pick(rng, 1, 2, 16, 256),
		Cache: pick(rng, -1, 3, 0), Conflicts: 1000,
		DeadLetters: sinks.Func(func(l *engine.DeadLetter) error { m.letters[l.Command] = l.Err; return nil }),
	}
	m.store = &shaky{
		Store: memory.New(), rng: rand.New(rand.NewPCG(seed, 22)), instant: seed%2 == 0,
		slow: pick(rng, 0, time.Microsecond, time.Millisecond), foreign: pick(rng, 0, 0.02, 0.2),
	}
	if raceDetector {
		m.store.foreign = min(m.store.foreign, 0.02)
	}
	aggregates, n, quiet := pick(rng, 3, 40, 150), 600, rng.IntN(500) // the first so many take no time: their handlers are quick
	for len(m.commands) < n {
		i := len(m.commands)
		if i > 0 && rng.IntN(10) == 0 { // the same command again
			again := fresh(m.commands[i-1-rng.IntN(min(i, 20))])
			again.Origin, _ = nameOf(again)
			m.commands = append(m.commands, again)
			continue
		}
		cmd := engine.NewCommand(fmt.Sprint("a", rng.IntN(aggregates)), m.errand(i, quiet))
		cmd.Origin, _ = nameOf(cmd)
		m.commands = append(m.commands, cmd)
	}
	return m
}

func nameOf(cmd *engine.Command) (string, fate) {
	e, _ := errandOf(cmd)
	return e.Name, e.Fate
}

// errand makes the payload of command i.
func (m *mixture) errand(i, quiet int) any {
	e := errand{Name: fmt.Sprint("errand-", i)}
	if i >= quiet && m.rng.IntN(3) == 0 {
		e.Waits = [2]time.Duration{time.Duration(m.rng.IntN(3_000_000)), time.Duration(m.rng.IntN(3_000_000))}
	}
	kind := m.rng.IntN(3)
	if m.rng.IntN(6) == 0 {
		e.Fate = pick(m.rng, fails, panicked, refused, exits, untyped)
		e.At = pick(m.rng, [][]string{{"h0", "h1"}, {"d"}, {"h0", "d", "h1"}}[kind]...)
	}
	return []any{tell(e), ask(e), both(e)}[kind]
}

// arrivals yields the commands in bursts.
func (m *mixture) arrivals() iter.Seq[*engine.Command] {
	rng := rand.New(rand.NewPCG(m.seed, 23)) // the iterator runs in a goroutine of its own
	return func(yield func(*engine.Command) bool) {
		for _, cmd := range m.commands {
			if rng.IntN(50) == 0 {
				time.Sleep(time.Duration(rng.IntN(5_000_000)))
			}
			if !yield(cmd) {
				return
			}
		}
	}
}

func (m *mixture) run(t *testing.T) {
	b := newBelt(t, m.store, m.options, errands)
	told := watch(m.commands...)
	report, err := b.Run(context.Background(), sources.Seq(m.arrivals()))
	require.NoError(t, err)
	require.True(t, report.Sequence.OK())
	m.judge(t, told())
}

// judge holds every outcome, event and dead letter against the command that it is told of, and the versions against the
// sequence of arrival.
func (m *mixture) judge(t *testing.T, outcomes []engine.Outcome) {
	streams, events := map[string][]engine.Event{}, 0
	first, last := map[engine.ID]engine.Outcome{}, map[string]engine.Version{}
	for i, cmd := range m.commands {
		if streams[cmd.Subject] == nil {
			streams[cmd.Subject] = stream(t, m.store, cmd.Subject)
			events += len(streams[cmd.Subject])
		}
		o := outcomes[i]
		require.Equal(t, cmd.ID, o.CommandID)
		m.judgeFate(t, cmd, o)
		if o.Status == engine.DeadLettered {
			continue
		}
		if before, ok := first[cmd.ID]; ok {
			before.Repeated = true
			require.Equal(t, before, o)
			continue
		}
		require.False(t, o.Repeated)
		first[cmd.ID] = o
		require.Greater(t, o.First, last[cmd.Subject], "command %d was overtaken", i)
		last[cmd.Subject] = o.Last
		requireMarks(t, cmd, o, streams[cmd.Subject])
		events -= o.Events()
	}
	require.Equal(t, m.store.strange, events, "events of nobody")
	letters := 0
	for _, o := range outcomes {
		if o.Status == engine.DeadLettered {
			letters++
		}
	}
	require.Len(t, m.letters, letters)
}

// judgeFate checks that the outcome is that of the command's fate.
func (m *mixture) judgeFate(t *testing.T, cmd *engine.Command, o engine.Outcome) {
	name, fate := nameOf(cmd)
	switch fate {
	case "":
		require.Equal(t, engine.Accepted, o.Status, "%v", o.Err)
		return
	case refused:
		require.Equal(t, engine.Rejected, o.Status, "%v", o.Err)
		require.Equal(t, name+" refused", o.Reason)
		return
	}
	require.Equal(t, engine.DeadLettered, o.Status)
	require.Equal(t, o.Err, m.letters[cmd], "the dead letter of the command itself")
	switch fate {
	case exits:
		require.ErrorContains(t, o.Err, "Goexit")
	case untyped:
		require.ErrorIs(t, o.Err, engine.ErrNoType)
	default:
		var failed *engine.HandlerError
		require.ErrorAs(t, o.Err, &failed)
		require.Equal(t, cmd.ID, failed.ID)
		require.ErrorContains(t, o.Err, name+" "+string(fate))
	}
}

// requireMarks checks that an accepted command's events, at its versions, are its own and all of them.
func requireMarks(t *testing.T, cmd *engine.Command, o engine.Outcome, stream []engine.Event) {
	t.Helper()
	if o.Status != engine.Accepted {
		return
	}
	e, by := errandOf(cmd)
	var want, got []any
	for _, by := range by {
		want = append(want, mark{e.Name, by})
	}
	for _, event := range stream[o.First-1 : o.Last] {
		require.Equal(t, cmd.ID, event.CausationID)
		got = append(got, event.Data)
	}
	require.Equal(t, want, got)
	require.Equal(t, stream[o.Last-1].Position, o.Position)
}

// Rows grow and shrink, lanes are put back, and tasks, turns and rounds are used again, while code waits, fails, panics
// and ends its goroutine and another writer is about. Still nothing of one command is ever told of another, and the
// commands of an aggregate keep their sequence.
func TestNothingIsMixedUp(t *testing.T) {
	eachSeed(t, 150, 30, func(t *testing.T, seed uint64) { newMixture(seed).run(t) })
}
