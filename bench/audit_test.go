package bench_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// tampered is a store whose log reads back otherwise than it was written.
type tampered struct {
	engine.Store
	tamper func(events []engine.Event) []engine.Event
}

func (s tampered) Read(ctx context.Context, after engine.Position) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		var events []engine.Event
		for e, err := range s.Store.Read(ctx, after) {
			if err != nil {
				yield(e, err)
				return
			}
			events = append(events, e)
		}
		for _, e := range s.tamper(events) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// audited runs 200 commands for 4 orders and gives the audit and the store.
func audited(t *testing.T, cmds ...*engine.Command) (*bench.Audit, *memory.Store) {
	t.Helper()
	store, audit := memory.New(), bench.NewAudit()
	p, err := pipeline.New(engine.NewRegistry(order.Module{}), sinks.NewStore(store), pipeline.Options{})
	require.NoError(t, err)
	if cmds == nil {
		for cmd := range bench.Orders(200, 4, 1) {
			cmds = append(cmds, cmd)
		}
	}
	report, err := p.Run(t.Context(), audit.Watch(sources.Slice(cmds)))
	require.NoError(t, err)
	result, err := audit.Judge(t.Context(), store, report)
	require.NoError(t, err)
	require.True(t, result.OK, "%+v", result)
	return audit, store
}

// Canaries: each way in which a store can be wrong is seen.
func TestAuditSeesABrokenStore(t *testing.T) {
	without := func(events []engine.Event, i int) []engine.Event { return append(events[:i:i], events[i+1:]...) }
	// The last event of an order, and two neighbours of one order, wherever they stand.
	last := func(events []engine.Event) int { return len(events) - 1 }
	neighbours := func(events []engine.Event) (int, int) {
		for j := 1; j < len(events); j++ {
			if events[j].Subject == events[0].Subject {
				return 0, j
			}
		}
		panic("none")
	}
	for name, c := range map[string]struct {
		tamper func(events []engine.Event) []engine.Event
		want   pipeline.Sequence
	}{
		"nothing": {func(e []engine.Event) []engine.Event { return e }, pipeline.Sequence{}},
		"the last event lost": {
			func(e []engine.Event) []engine.Event { return without(e, last(e)) }, pipeline.Sequence{Lost: 1},
		},
		"an event lost":    {func(e []engine.Event) []engine.Event { return without(e, 0) }, pipeline.Sequence{Gaps: 1, Lost: 1}},
		"everything lost":  {func([]engine.Event) []engine.Event { return nil }, pipeline.Sequence{Lost: 200}},
		"an event doubled": {func(e []engine.Event) []engine.Event { return append(e, e[last(e)]) }, pipeline.Sequence{Duplicates: 2}},
		"a command stored twice": {func(e []engine.Event) []engine.Event {
			again := e[last(e)]
			again.Version++
			return append(e, again)
		}, pipeline.Sequence{Duplicates: 1}},
		"a gap in the versions": {func(e []engine.Event) []engine.Event {
			e[last(e)].Version += 3
			return e
		}, pipeline.Sequence{Gaps: 3}},
		"neighbours swapped with their versions": {func(e []engine.Event) []engine.Event {
			i, j := neighbours(e)
			e[i].CausationID, e[j].CausationID = e[j].CausationID, e[i].CausationID
			return e
		}, pipeline.Sequence{Swaps: 1}},
		"neighbours read in the wrong sequence": {func(e []engine.Event) []engine.Event {
			i, j := neighbours(e)
			e[i], e[j] = e[j], e[i]
			return e
		}, pipeline.Sequence{Gaps: 1, Swaps: 1, Duplicates: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			audit, store := audited(t)
			verdict, err := audit.Check(t.Context(), tampered{store, c.tamper})
			require.NoError(t, err)
			require.Equal(t, c.want, verdict)
			require.Equal(t, c.want == pipeline.Sequence{}, verdict.OK())
		})
	}
}

// G2: the events of one command stand together. The events of two commands that are shuffled into each other are no
// atomic append.
func TestAuditSeesACommandTornApart(t *testing.T) {
	audit, store := bench.NewAudit(), memory.New()
	var appends []engine.Append
	for range 2 {
		cmd := engine.NewCommand("a", nil)
		audit.Note(cmd)
		a := engine.Append{Aggregate: "a", Expected: engine.Any, CommandID: cmd.ID}
		for range 2 {
			a.Events = append(a.Events, engine.Event{Message: engine.Message{Type: "x", Subject: "a", CausationID: cmd.ID}})
		}
		appends = append(appends, a)
		cmd.Settled(store.Append(t.Context(), []engine.Append{a})[0].Outcome(cmd.ID))
	}
	verdict, err := audit.Check(t.Context(), tampered{store, func(e []engine.Event) []engine.Event {
		e[1].CausationID, e[2].CausationID = e[2].CausationID, e[1].CausationID
		return e
	}})
	require.NoError(t, err)
	require.Len(t, appends, 2)
	require.Equal(t, pipeline.Sequence{Swaps: 2}, verdict)
}

// A command without an outcome is lost; one that is unknown may be there or not; one that was answered before is where it
// was then.
func TestAuditOfOutcomes(t *testing.T) {
	check := func(store engine.Store, notes func(audit *bench.Audit)) pipeline.Sequence {
		audit := bench.NewAudit()
		notes(audit)
		verdict, err := audit.Check(t.Context(), store)
		require.NoError(t, err)
		return verdict
	}
	tell := func(status engine.Status) func(*bench.Audit) {
		return func(audit *bench.Audit) {
			cmd := engine.NewCommand("a", nil)
			settled := false
			cmd.Settled = func(engine.Outcome) { settled = true }
			audit.Note(cmd)
			cmd.Settled(engine.Outcome{CommandID: cmd.ID, Status: status, First: 1, Last: 1})
			require.True(t, settled, "the source's own Settled is called too")
		}
	}
	require.Equal(t, pipeline.Sequence{Lost: 1}, check(memory.New(), func(a *bench.Audit) { a.Note(engine.NewCommand("a", nil)) }))
	require.Equal(t, pipeline.Sequence{Lost: 1}, check(memory.New(), tell(engine.Accepted)))
	require.True(t, check(memory.New(), tell(engine.Unknown)).OK())
	require.True(t, check(memory.New(), tell(engine.DeadLettered)).OK())
	require.True(t, check(memory.New(), tell(engine.Rejected)).OK())
	require.True(t, check(memory.New(), func(a *bench.Audit) {
		a.Note(&engine.Command{Defect: errors.New("unreadable")})
	}).OK())

	// Commands of an earlier run, sent again the other way round.
	_, store := audited(t)
	var again []*engine.Command
	for cmd := range bench.Orders(200, 4, 1) {
		again = append([]*engine.Command{cmd}, again...)
	}
	registry := engine.NewRegistry(order.Module{})
	p, err := pipeline.New(registry, sinks.NewStore(store), pipeline.Options{})
	require.NoError(t, err)
	audit := bench.NewAudit()
	report, err := p.Run(t.Context(), audit.Watch(sources.Slice(again)))
	require.NoError(t, err)
	require.Equal(t, 200, report.Repeated)
	verdict, err := audit.Check(t.Context(), store)
	require.NoError(t, err)
	require.True(t, verdict.OK(), "%+v", verdict)
}

// The trouble of a store that cannot be read is an error and no verdict.
func TestAuditOfAStoreThatCannotBeRead(t *testing.T) {
	audit, store := audited(t)
	require.NoError(t, store.Close())
	_, err := audit.Check(t.Context(), store)
	require.ErrorIs(t, err, engine.ErrClosed)
	require.Equal(t, 4, audit.Aggregates())
}

// A duplicate in one run does not disturb the audit.
func TestAuditOfDuplicates(t *testing.T) {
	var cmds []*engine.Command
	for cmd := range bench.Orders(50, 2, 7) {
		twin := *cmd
		cmds = append(cmds, cmd, &twin)
	}
	audit, _ := audited(t, cmds...)
	require.Equal(t, 2, audit.Aggregates(), fmt.Sprint(len(cmds)))
}

// twice runs two commands that have one id, with a third for the same order between them, and gives the verdict.
func twice(t *testing.T, store engine.Store, first, between, second *engine.Command) (pipeline.Report, pipeline.Sequence) {
	t.Helper()
	second.ID = first.ID
	audit := bench.NewAudit()
	end, err := store.End(t.Context())
	require.NoError(t, err)
	audit.Since(end)
	p, err := pipeline.New(engine.NewRegistry(order.Module{}), sinks.NewStore(store), pipeline.Options{})
	require.NoError(t, err)
	report, err := p.Run(t.Context(), audit.Watch(sources.Slice([]*engine.Command{first, between, second})))
	require.NoError(t, err)
	verdict, err := audit.Check(t.Context(), store)
	require.NoError(t, err)
	return report, verdict
}

// One id may arrive more often than once and fare differently: what counts is what was told of the arrival that was
// stored, at the place where that one stands.
func TestAuditOfOneIDTwice(t *testing.T) {
	create := func(subject string) *engine.Command {
		return engine.NewCommand(subject, order.Create{Customer: "c"})
	}
	add := engine.NewCommand("a", order.AddItem{SKU: "x", Quantity: 1})
	strange := func() *engine.Command {
		return &engine.Command{Message: engine.Message{ID: engine.NewID(), Type: "order.explode", Subject: "a"}}
	}
	t.Run("the first is dead-lettered", func(t *testing.T) {
		report, verdict := twice(t, memory.New(), strange(), create("a"), engine.NewCommand("a", order.AddItem{SKU: "y", Quantity: 1}))
		require.Equal(t, []int{1, 2}, []int{report.DeadLettered, report.Accepted})
		require.Equal(t, pipeline.Sequence{}, verdict, "the second is stored behind the command between, where it stands")
	})
	t.Run("on two aggregates", func(t *testing.T) {
		report, verdict := twice(t, memory.New(), create("a"), add, create("b"))
		require.Equal(t, 1, report.DeadLettered)
		require.Equal(t, pipeline.Sequence{}, verdict)
	})
	t.Run("stored by an earlier run, then dead-lettered", func(t *testing.T) {
		store, cmd := memory.New(), create("a")
		_, verdict := twice(t, store, cmd, create("b"), create("a"))
		require.Equal(t, pipeline.Sequence{}, verdict)
		again := strange()
		again.ID = cmd.ID
		report, verdict := twice(t, store, again, create("c"), strange())
		require.Equal(t, 2, report.DeadLettered)
		require.Equal(t, pipeline.Sequence{}, verdict)
	})
}

// What the arrivals of one id are told, and what the store has of it.
func TestAuditOfOutcomesOfOneIDTwice(t *testing.T) {
	accepted := engine.Outcome{Status: engine.Accepted, First: 1, Last: 1}
	repeated, unknown, dead := accepted, engine.Outcome{Status: engine.Unknown}, engine.Outcome{Status: engine.DeadLettered}
	repeated.Repeated = true
	two := engine.Outcome{Status: engine.Accepted, First: 1, Last: 2, Repeated: true}
	lost, double := pipeline.Sequence{Lost: 1}, pipeline.Sequence{Duplicates: 1}
	for name, c := range map[string]struct {
		told           []engine.Outcome
		stored, absent pipeline.Sequence
	}{
		"none":                   {nil, lost, lost},
		"dead and accepted":      {[]engine.Outcome{dead, accepted}, pipeline.Sequence{}, lost},
		"accepted and dead":      {[]engine.Outcome{accepted, dead}, pipeline.Sequence{}, lost},
		"unknown and repeated":   {[]engine.Outcome{unknown, repeated}, pipeline.Sequence{}, lost},
		"unknown and dead":       {[]engine.Outcome{unknown, dead}, pipeline.Sequence{}, pipeline.Sequence{}},
		"dead and dead":          {[]engine.Outcome{dead, dead}, double, pipeline.Sequence{}},
		"contradicting accepted": {[]engine.Outcome{accepted, two}, lost, lost},
	} {
		t.Run(name, func(t *testing.T) {
			audit, store := bench.NewAudit(), memory.New()
			first := engine.NewCommand("a", nil)
			second := *first
			audit.Note(first)
			audit.Note(&second)
			for i, o := range c.told {
				[]*engine.Command{first, &second}[i].Settled(o)
			}
			verdict, err := audit.Check(t.Context(), store)
			require.NoError(t, err)
			require.Equal(t, c.absent, verdict)
			event := engine.Event{Message: engine.Message{Type: "x", Subject: "a", CausationID: first.ID}}
			a := engine.Append{Aggregate: "a", Expected: engine.Any, CommandID: first.ID, Events: []engine.Event{event}}
			require.NoError(t, store.Append(t.Context(), []engine.Append{a})[0].Err)
			verdict, err = audit.Check(t.Context(), store)
			require.NoError(t, err)
			require.Equal(t, c.stored, verdict)
		})
	}
}

// The very same value sent twice is hooked once: its Settled must not change while it is under way.
func TestAuditOfTheSameValueTwice(t *testing.T) {
	audit, cmd, calls := bench.NewAudit(), engine.NewCommand("a", nil), 0
	cmd.Settled = func(engine.Outcome) { calls++ }
	audit.Note(cmd)
	audit.Note(cmd)
	cmd.Settled(engine.Outcome{Status: engine.Rejected})
	require.Equal(t, 1, calls)
	verdict, err := audit.Check(t.Context(), memory.New())
	require.NoError(t, err)
	require.Equal(t, pipeline.Sequence{}, verdict)
}
