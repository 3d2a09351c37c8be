package engine_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// post is wired with everything that can be told: two kinds of handlers, middleware, declared events and readers.
type post struct{}

func (post) Register(r *engine.Registry) {
	var s steps
	r.Use(s.noting("log"), s.noting("trace"))
	r.UseFor("parcel.send", s.noting("retry"))
	engine.OnCommand(r, "parcel.send", "weigh", idle[parcel])
	d := engine.NewDecider(r, "purse", func() int { return 0 })
	engine.Decide(d, "parcel.send", refuse[parcel]).Makes("parcel.sent", "purse.withdrawn")
	engine.OnCommand(r, "parcel.send", "mail", idle[parcel]).Makes("parcel.sent", "parcel.sent")
	engine.RegisterEvent[parcelSent](r, "parcel.sent")
	engine.Evolve(d, "purse.withdrawn", func(balance int, e withdrawn) int { return balance - e.Cents })
	engine.RegisterCommand[deposit](r, "purse.deposit")
	r.Reads("tracking", "parcel.sent", "purse.withdrawn")
}

func TestDescribe(t *testing.T) {
	r := engine.NewRegistry(post{})
	want := engine.Topology{
		Commands: []engine.TopologyCommand{
			{
				Type: "parcel.send", Payload: "engine_test.parcel", Middleware: []string{"log", "trace", "retry"},
				Handlers: []engine.TopologyHandler{
					{Name: "weigh", Makes: []string{}},
					{Name: "purse", Decider: true, Makes: []string{"parcel.sent", "purse.withdrawn"}},
					{Name: "mail", Makes: []string{"parcel.sent"}},
				},
			},
			{
				Type: "purse.deposit", Payload: "engine_test.deposit", Middleware: []string{"log", "trace"},
				Handlers: []engine.TopologyHandler{},
			},
		},
		Events: []engine.TopologyEvent{
			{Type: "parcel.sent", Payload: "engine_test.parcelSent", EvolvedBy: []string{}, ReadBy: []string{"tracking"}},
			{Type: "purse.withdrawn", Payload: "engine_test.withdrawn", EvolvedBy: []string{"purse"}, ReadBy: []string{"tracking"}},
		},
	}
	require.Equal(t, want, r.Describe())
	require.NoError(t, r.Seal())
	require.Equal(t, want, r.Describe(), "sealing changes nothing")

	text, err := json.Marshal(want)
	require.NoError(t, err)
	require.NotContains(t, string(text), "null")
	var read engine.Topology
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, want, read)

	text, err = json.Marshal(engine.NewRegistry().Describe())
	require.NoError(t, err)
	require.Equal(t, `{"commands":[],"events":[]}`, string(text))
}

func TestLint(t *testing.T) {
	require.Empty(t, engine.NewRegistry(purse{}).Describe().Lint())
	require.Empty(t, engine.NewRegistry().Describe().Lint())
	require.Equal(t, []string{
		`decider "purse" makes event "parcel.sent" of command "parcel.send" and does not evolve it`,
		`command "purse.deposit" has neither a handler nor a decider`,
	}, engine.NewRegistry(post{}).Describe().Lint(), "a stateless handler need not evolve what it makes")

	r := engine.NewRegistry()
	one := engine.NewDecider(r, "one", func() int { return 0 })
	two := engine.NewDecider(r, "two", func() int { return 0 })
	engine.Decide(one, "purse.deposit", refuse[deposit])
	engine.Decide(two, "purse.deposit", refuse[deposit])
	engine.RegisterEvent[deposited](r, "purse.deposited")
	require.Equal(t, []string{
		`command "purse.deposit" has 2 deciders: one, two`,
		`event "purse.deposited" is read by nobody: no decider evolves it and no reader is declared`,
	}, r.Describe().Lint())
}

// Names that mean nothing are faults of the registry, not matters of taste.
func TestDeclaredNamesExist(t *testing.T) {
	r := engine.NewRegistry(purse{})
	engine.OnCommand(r, "purse.deposit", "audit", idle[deposit]).Makes("purse.deposited", "purse.audited", "purse.deposit")
	r.Reads("totals", "purse.deposited", "purse.gone")
	r.Reads("other", "purse.gone")
	r.Reads("")
	want := `engine: reader name is empty; ` +
		`engine: "audit" makes "purse.audited", which is no registered event; ` +
		`engine: "audit" makes "purse.deposit", which is no registered event; ` +
		`engine: "totals, other" reads "purse.gone", which is no registered event`
	require.EqualError(t, r.Err(), want)
	require.EqualError(t, r.Seal(), want)
	r.Reads("late", "purse.deposited")
	require.ErrorContains(t, r.Err(), `engine: reader "late" declared after the registry was sealed by a pipeline`)

	named := engine.NewRegistry()
	engine.OnCommand(named, "purse.deposit", "audit", idle[deposit]).Makes("purse.deposited")
	require.Error(t, named.Err())
	engine.RegisterEvent[deposited](named, "purse.deposited")
	require.NoError(t, named.Seal(), "what is made may be registered later")
}

// A command that is only declared is refused: to accept it would be to lose it.
func TestDeclaredCommandIsNotHandled(t *testing.T) {
	r := engine.NewRegistry()
	engine.RegisterCommand[deposit](r, "purse.deposit")
	require.NoError(t, r.Seal())
	route, err := r.Route(engine.NewCommand("purse-1", deposit{}))
	require.Nil(t, route)
	require.ErrorIs(t, err, engine.ErrNoType)
	require.EqualError(t, err, `engine: type is not registered: "purse.deposit" has neither a handler nor a decider`)

	data, err := r.Decode(&engine.Message{Type: "purse.deposit", Data: engine.Raw(`{"Cents":1}`)})
	require.NoError(t, err)
	require.Equal(t, deposit{1}, data, "its payload can be read all the same")
}
