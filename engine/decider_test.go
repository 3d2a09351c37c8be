package engine_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// newPurse gives an empty aggregate of the purse domain and a function that decides on it.
func newPurse(t *testing.T) (engine.Aggregate, func(data any) ([]any, error)) {
	t.Helper()
	r := engine.NewRegistry(purse{})
	route, err := r.Route(engine.NewCommand("purse-1", withdraw{}))
	require.NoError(t, err)
	aggregate := route.NewAggregate()
	return aggregate, func(data any) ([]any, error) {
		cmd := engine.NewCommand("purse-1", data)
		route, err := r.Route(cmd)
		require.NoError(t, err)
		return aggregate.Decide(t.Context(), route.Type, cmd, data)
	}
}

func TestDeciderDecidesOnWhatWasFolded(t *testing.T) {
	aggregate, decide := newPurse(t)
	_, err := decide(withdraw{1})
	require.ErrorIs(t, err, engine.ErrRejected)
	require.ErrorContains(t, err, `engine: handler "purse" failed on purse.withdraw`)
	require.ErrorContains(t, err, "rejected: 0 cents are there, 1 are asked for")

	require.NoError(t, aggregate.Evolve("purse.deposited", deposited{5}))
	require.NoError(t, aggregate.Evolve("purse.deposited", deposited{5}))
	require.NoError(t, aggregate.Evolve("purse.withdrawn", withdrawn{3}))
	events, err := decide(withdraw{7})
	require.NoError(t, err)
	require.Equal(t, []any{withdrawn{7}}, events)
	_, err = decide(withdraw{8})
	require.ErrorContains(t, err, "7 cents are there, 8 are asked for")
}

// A decision changes nothing: only the fold of an event that was stored does. A decision that lost a version conflict
// leaves no trace.
func TestDeciderDecideDoesNotChangeTheState(t *testing.T) {
	aggregate, decide := newPurse(t)
	require.NoError(t, aggregate.Evolve("purse.deposited", deposited{5}))
	for range 3 {
		events, err := decide(withdraw{5})
		require.NoError(t, err)
		require.Equal(t, []any{withdrawn{5}}, events)
	}
}

// Events that the decider does not evolve belong to the stream, not to the state.
func TestDeciderPassesOverForeignEvents(t *testing.T) {
	aggregate, decide := newPurse(t)
	require.NoError(t, aggregate.Evolve("purse.deposited", deposited{5}))
	require.NoError(t, aggregate.Evolve("parcel.sent", parcelSent{}))
	require.NoError(t, aggregate.Evolve("", nil))
	_, err := decide(withdraw{5})
	require.NoError(t, err)
}

func TestDeciderRefusesAnotherDecidersCommand(t *testing.T) {
	aggregate, _ := newPurse(t)
	cmd := engine.NewCommand("purse-1", parcel{})
	events, err := aggregate.Decide(t.Context(), "parcel.send", cmd, cmd.Data)
	require.Empty(t, events)
	require.EqualError(t, err,
		`engine: decider "purse" does not decide "parcel.send" of the aggregate "purse-1": another decider's events are its own`)
}

func TestDeciderWrongPayload(t *testing.T) {
	aggregate, _ := newPurse(t)
	cmd := engine.NewCommand("purse-1", deposit{})
	var payload *engine.PayloadError
	_, err := aggregate.Decide(t.Context(), "purse.withdraw", cmd, cmd.Data)
	require.ErrorAs(t, err, &payload)
	require.Equal(t, &engine.PayloadError{Want: "engine_test.withdraw", Got: deposit{}}, payload)

	err = aggregate.Evolve("purse.deposited", engine.Raw(`{}`))
	require.ErrorAs(t, err, &payload)
	require.Equal(t, &engine.PayloadError{Want: "engine_test.deposited", Got: engine.Raw(`{}`)}, payload)
	var named *engine.HandlerError
	require.ErrorAs(t, err, &named)
	require.Equal(t, "purse", named.Handler)
}

// Neither rule nor fold can bring the process down, and what fails gives no events.
func TestDeciderPanicsBecomeErrors(t *testing.T) {
	r := engine.NewRegistry()
	d := engine.NewDecider(r, "wild", func() int { return 0 })
	engine.Decide(d, "purse.deposit", func(_ context.Context, _ int, c deposit) ([]any, error) {
		if c.Cents == 0 {
			panic("decide")
		}
		return []any{deposited(c)}, io.EOF
	})
	engine.Evolve(d, "purse.deposited", func(int, deposited) int { panic("evolve") })
	cmd := engine.NewCommand("purse-1", deposit{})
	route, err := r.Route(cmd)
	require.NoError(t, err)
	aggregate := route.NewAggregate()

	_, decideErr := aggregate.Decide(t.Context(), route.Type, cmd, deposit{})
	evolveErr := aggregate.Evolve("purse.deposited", deposited{})
	for want, err := range map[string]error{"panic: decide": decideErr, "panic: evolve": evolveErr} {
		var panicked *engine.PanicError
		require.ErrorAs(t, err, &panicked)
		require.EqualError(t, panicked, want)
		require.Contains(t, string(panicked.Stack), "TestDeciderPanicsBecomeErrors")
	}
	events, err := aggregate.Decide(t.Context(), route.Type, cmd, deposit{1})
	require.ErrorIs(t, err, io.EOF)
	require.Empty(t, events)
}

// A decider and stateless handlers may share a command: First says where the decider stands among them.
func TestDeciderStandsWhereItWasRegistered(t *testing.T) {
	for before := range 3 {
		route := handlers(t, func(r *engine.Registry) {
			add := func(name string) { engine.OnCommand(r, "purse.deposit", name, idle[deposit]) }
			for i := range before {
				add(string(rune('a' + i)))
			}
			engine.Decide(engine.NewDecider(r, "d", func() int { return 0 }), "purse.deposit", refuse[deposit])
			for i := before; i < 3; i++ {
				add(string(rune('a' + i)))
			}
		})
		require.Equal(t, before, route.First)
		require.Equal(t, []string{"a", "b", "c"}, names(route))
		require.NotNil(t, route.NewAggregate)
	}
}

// Each aggregate begins with a state of its own.
func TestDeciderInitialState(t *testing.T) {
	r := engine.NewRegistry()
	made := 0
	d := engine.NewDecider(r, "counting", func() int { made++; return made * 100 })
	engine.Decide(d, "purse.deposit", func(_ context.Context, state int, _ deposit) ([]any, error) {
		return []any{deposited{state}}, nil
	})
	cmd := engine.NewCommand("purse-1", deposit{})
	route, err := r.Route(cmd)
	require.NoError(t, err)
	for _, want := range []int{100, 200} {
		events, err := route.NewAggregate().Decide(t.Context(), route.Type, cmd, deposit{})
		require.NoError(t, err)
		require.Equal(t, []any{deposited{want}}, events)
	}
}
