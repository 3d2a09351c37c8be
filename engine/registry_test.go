package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// idle is a command handler that does nothing.
func idle[C any](context.Context, *engine.Command, C) ([]any, error) { return nil, nil }

// refuse is a decision that refuses everything.
func refuse[C any](context.Context, int, C) ([]any, error) { return nil, engine.Reject("no") }

func TestRegistryRoutesByTypeOrGoType(t *testing.T) {
	r := engine.NewRegistry()
	engine.OnCommand(r, "purse.deposit", "first", idle[deposit])
	engine.OnCommand(r, "purse.deposit", "second", idle[deposit])
	engine.OnCommand(r, "purse.withdraw", "only", idle[withdraw])
	require.NoError(t, r.Seal())

	byGoType, err := r.Route(engine.NewCommand("purse-1", deposit{}))
	require.NoError(t, err)
	byName, err := r.Route(&engine.Command{Message: engine.Message{Type: "purse.deposit", Data: engine.Raw(`{}`)}})
	require.NoError(t, err)
	require.Same(t, byGoType, byName)
	require.Equal(t, "purse.deposit", byName.Type)
	require.Equal(t, []string{"first", "second"}, names(byName), "in registration sequence")
	require.Nil(t, byName.NewAggregate)

	other, err := r.Route(engine.NewCommand("purse-1", withdraw{}))
	require.NoError(t, err)
	require.Equal(t, []string{"only"}, names(other))
}

func TestRegistryUnknownTypes(t *testing.T) {
	r := engine.NewRegistry(purse{})
	for want, m := range map[string]engine.Message{
		`engine: type is not registered: "purse.burn"`:                                                                             {Type: "purse.burn", Data: deposit{}},
		`engine: type is not registered: "` + strings.Repeat("x", 80) + `…"`:                                                       {Type: strings.Repeat("x", 1000)},
		`engine: type is not registered: Go type string: register the struct with engine.OnCommand or engine.Decide`:               {Data: "text"},
		`engine: type is not registered: Go type engine.Raw: register the struct with engine.OnCommand or engine.Decide`:           {Data: engine.Raw(`{}`)},
		`engine: type is not registered: Go type *engine_test.deposit: register the struct with engine.OnCommand or engine.Decide`: {Data: &deposit{}},
		`engine: type is not registered: Go type <nil>: register the struct with engine.OnCommand or engine.Decide`:                {},
		`engine: type is not registered: "purse.deposited" is an event, not a command`:                                             {Type: "purse.deposited"},
		`engine: type is not registered: "purse.withdrawn" is an event, not a command`:                                             {Data: withdrawn{}},
	} {
		route, err := r.Route(&engine.Command{Message: m})
		require.EqualError(t, err, want)
		require.ErrorIs(t, err, engine.ErrNoType)
		require.Nil(t, route)
	}
}

// Handlers may return only payloads that are events; what was good before the bad one is not lost on the caller.
func TestRegistryEventsRefusesOtherPayloads(t *testing.T) {
	r := engine.NewRegistry(purse{})
	cmd := engine.NewCommand("purse-1", deposit{})
	for want, data := range map[string]any{
		`engine: type is not registered: Go type string: register the struct with engine.RegisterEvent or engine.Evolve`: "text",
		`engine: type is not registered: Go type <nil>: register the struct with engine.RegisterEvent or engine.Evolve`:  nil,
		`engine: type is not registered: "purse.deposit" is a command, not an event`:                                     deposit{},
	} {
		events, err := r.Events(nil, cmd, []any{deposited{1}, data, deposited{2}}, time.Now())
		require.EqualError(t, err, want)
		require.ErrorIs(t, err, engine.ErrNoType)
		require.Len(t, events, 1)
	}
	events, err := r.Events(nil, cmd, nil, time.Now())
	require.NoError(t, err)
	require.Empty(t, events, "a command may cause nothing")
}

// Registering the same thing twice is no fault: two deciders may evolve one event, a module may name it too.
func TestRegistrySameTypeTwice(t *testing.T) {
	r := engine.NewRegistry(purse{})
	engine.RegisterEvent[deposited](r, "purse.deposited")
	audit := engine.NewDecider(r, "audit", func() int { return 0 })
	engine.Evolve(audit, "purse.deposited", func(n int, _ deposited) int { return n + 1 })
	require.NoError(t, r.Seal())
}

// registryFaults are the ways to register something wrongly, each with what the programmer is told.
var registryFaults = []struct {
	name, want string
	register   func(r *engine.Registry)
}{
	{
		"one name for two commands",
		`engine: "a" is the command engine_test.deposit and cannot be the command engine_test.withdraw too`,
		func(r *engine.Registry) {
			engine.OnCommand(r, "a", "h", idle[deposit])
			engine.OnCommand(r, "a", "i", idle[withdraw])
		},
	},
	{
		"one name for command and event",
		`engine: "a" is the command engine_test.deposit and cannot be the event engine_test.deposited too`,
		func(r *engine.Registry) {
			engine.OnCommand(r, "a", "h", idle[deposit])
			engine.RegisterEvent[deposited](r, "a")
		},
	},
	{
		"one Go type as command and event",
		`engine: "a" is the command engine_test.deposit and cannot be the event engine_test.deposit too`,
		func(r *engine.Registry) {
			engine.OnCommand(r, "a", "h", idle[deposit])
			engine.RegisterEvent[deposit](r, "a")
		},
	},
	{
		"one Go type under two names",
		`engine: engine_test.deposited is "a" and cannot be "b" too`,
		func(r *engine.Registry) {
			engine.RegisterEvent[deposited](r, "a")
			engine.RegisterEvent[deposited](r, "b")
		},
	},
	{
		"no name", `engine: type is empty`,
		func(r *engine.Registry) { engine.RegisterEvent[deposited](r, "") },
	},
	{
		"bad name", `engine: type "a\n" holds a control character`,
		func(r *engine.Registry) { engine.RegisterEvent[deposited](r, "a\n") },
	},
	{
		"pointer", `engine: "a": register the struct, not the ptr *engine_test.deposited`,
		func(r *engine.Registry) { engine.RegisterEvent[*deposited](r, "a") },
	},
	{
		"interface", `engine: "a": register the struct, not the interface interface {}`,
		func(r *engine.Registry) { engine.RegisterEvent[any](r, "a") },
	},
	{
		"two handlers of one name", `engine: command "a" has two handlers called "h"`,
		func(r *engine.Registry) {
			engine.OnCommand(r, "a", "h", idle[deposit])
			engine.OnCommand(r, "a", "h", idle[deposit])
		},
	},
	{
		"handler without a name", `engine: handler name is empty`,
		func(r *engine.Registry) { engine.OnCommand(r, "a", "", idle[deposit]) },
	},
	{
		"command without a handler", `engine: command "a": handler "h" is nil`,
		func(r *engine.Registry) { engine.OnCommand[deposit](r, "a", "h", nil) },
	},
	{
		"command without a decision", `engine: command "a": decider "one" has a nil function`,
		func(r *engine.Registry) {
			engine.Decide[int, deposit](engine.NewDecider(r, "one", func() int { return 0 }), "a", nil)
		},
	},
	{
		"event without a fold", `engine: event "e": decider "one" has a nil function`,
		func(r *engine.Registry) {
			engine.Evolve[int, deposited](engine.NewDecider(r, "one", func() int { return 0 }), "e", nil)
		},
	},
	{
		"two deciders", `engine: command "a" has two deciders`,
		func(r *engine.Registry) {
			engine.Decide(engine.NewDecider(r, "one", func() int { return 0 }), "a", refuse[deposit])
			engine.Decide(engine.NewDecider(r, "two", func() int { return 0 }), "a", refuse[deposit])
		},
	},
	{
		"evolved twice", `engine: decider "one" evolves event "e" twice`,
		func(r *engine.Registry) {
			d := engine.NewDecider(r, "one", func() int { return 0 })
			engine.Evolve(d, "e", func(n int, _ deposited) int { return n })
			engine.Evolve(d, "e", func(n int, _ deposited) int { return n })
		},
	},
	{
		"decider without a name", `engine: decider name is empty`,
		func(r *engine.Registry) { engine.NewDecider(r, "", func() int { return 0 }) },
	},
	{
		"decider without a beginning", `engine: decider "one" has no initial state`,
		func(r *engine.Registry) { engine.NewDecider[int](r, "one", nil) },
	},
}

func TestRegistryFaults(t *testing.T) {
	for _, c := range registryFaults {
		t.Run(c.name, func(t *testing.T) {
			r := engine.NewRegistry()
			require.NoError(t, r.Err())
			c.register(r)
			require.EqualError(t, r.Err(), c.want)
			require.EqualError(t, r.Seal(), c.want)
		})
	}
}

// A program with many faults hears of all of them the first time, in the sequence of registration.
func TestRegistryReportsAllFaultsAtOnce(t *testing.T) {
	r := engine.NewRegistry()
	engine.RegisterEvent[deposited](r, "")
	engine.RegisterEvent[*deposited](r, "p")
	engine.OnCommand[deposit](r, "a", "h", nil)
	engine.OnCommand(r, "a", "h", idle[deposit])
	err := r.Seal()
	require.EqualError(t, err, `engine: type is empty; engine: "p": register the struct, not the ptr *engine_test.deposited; `+
		`engine: command "a": handler "h" is nil; engine: command "a" has two handlers called "h"`)
	require.ErrorIs(t, err, engine.ErrLimit, "each fault can be found in the list")
	require.Equal(t, err, r.Seal(), "sealing twice adds nothing")
}

func TestRegistrySealed(t *testing.T) {
	r := engine.NewRegistry(purse{})
	require.NoError(t, r.Seal())
	engine.RegisterEvent[parcelSent](r, "parcel.sent")
	engine.OnCommand(r, "purse.deposit", "late", idle[deposit])
	require.EqualError(t, r.Err(), `engine: event "parcel.sent" registered after the registry was sealed by a pipeline; `+
		`engine: command "purse.deposit" registered after the registry was sealed by a pipeline`)

	route, err := r.Route(engine.NewCommand("purse-1", deposit{}))
	require.NoError(t, err)
	require.Empty(t, route.Handlers, "a running pipeline does not see the late handler")
	_, err = r.Decode(&engine.Message{Type: "parcel.sent", Data: engine.Raw(`{}`)})
	require.ErrorIs(t, err, engine.ErrNoType)
}

func TestRegistryTakesSeveralModules(t *testing.T) {
	r := engine.NewRegistry(purse{}, parcels{})
	require.NoError(t, r.Seal())
	for _, data := range []any{deposit{}, withdraw{}, parcel{}} {
		_, err := r.Route(engine.NewCommand("a", data))
		require.NoError(t, err)
	}
}

type parcels struct{}

func (parcels) Register(r *engine.Registry) {
	engine.OnCommand(r, "parcel.send", "sender", idle[parcel])
}

func names(route *engine.Route) []string {
	var names []string
	for _, h := range route.Handlers {
		names = append(names, h.Name)
	}
	return names
}

// A payload is read ahead when it is small; another type, no payload and an encoded one are passed over.
func TestPrefetch(t *testing.T) {
	type small struct{ _ [256]byte }
	type large struct{ _ [257]byte }
	r := engine.NewRegistry()
	engine.OnCommand(r, "small", "handler", idle[small])
	engine.OnCommand(r, "large", "handler", idle[large])
	route, err := r.Route(&engine.Command{Message: engine.Message{Type: "large"}})
	require.NoError(t, err)
	require.Nil(t, route.Prefetch)
	route, err = r.Route(&engine.Command{Message: engine.Message{Type: "small"}})
	require.NoError(t, err)
	payloads := []any{small{}, large{}, nil, engine.Raw("{}"), new(small)}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, data := range payloads {
			route.Prefetch(data)
		}
	}))
}
