package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// patience is how long a rule waits for what must happen at once. It only passes when a store hangs.
var patience = 20 * time.Second

// A rule is one thing that every store does.
type rule struct {
	name  string
	check func(p *probe)
}

// Run proves the rules on a store. Open gives a new and empty store each time; Run closes it. An open that cannot do so
// fails the test itself.
func Run(t *testing.T, open func(t *testing.T) engine.Store) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) { r.check(newProbe(t, open(t))) })
	}
}

// probe is a store under test with what the rules do to it again and again.
type probe struct {
	*require.Assertions
	t     reporter
	ctx   context.Context // ends when the test does, or when patience does
	store engine.Store
}

// newProbe takes a store over and closes it when the test ends.
func newProbe(t reporter, store engine.Store) *probe {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(func() {
		cancel()
		require.NoError(t, store.Close(), "Close")
	})
	return &probe{Assertions: require.New(t), t: t, ctx: ctx, store: store}
}

// newEvents makes n events for an aggregate, numbered from 1.
func newEvents(aggregate string, n int) []engine.Event {
	events := make([]engine.Event, n)
	for i := range events {
		events[i].Message = engine.Message{
			ID: engine.NewID(), Type: "test.happened", Source: "storetest", Subject: aggregate,
			Time: time.Now().UTC().Round(0), Data: engine.Raw(fmt.Sprintf(`{"n":%d}`, i+1)),
		}
	}
	return events
}

// newAppend makes an append of n events, with a new command id.
func newAppend(aggregate string, expected engine.Expected, n int) engine.Append {
	a := engine.Append{
		Aggregate: aggregate, Expected: expected, CommandID: engine.NewID(), Events: newEvents(aggregate, n),
	}
	caused(&a)
	return a
}

// caused makes the command of an append the cause of its events, as it is in a pipeline.
func caused(a *engine.Append) {
	for i := range a.Events {
		a.Events[i].CausationID, a.Events[i].CorrelationID = a.CommandID, a.CommandID
	}
}

// append appends one and gives its result.
func (p *probe) append(a engine.Append) engine.Result {
	p.t.Helper()
	return p.call(a)[0]
}

// call appends many in one call.
func (p *probe) call(batch ...engine.Append) []engine.Result {
	p.t.Helper()
	results := p.store.Append(p.ctx, batch)
	p.Len(results, len(batch), "Append must answer one result for each append")
	return results
}

// stored appends one that must be stored, now and not before.
func (p *probe) stored(a engine.Append) engine.Result {
	p.t.Helper()
	result := p.append(a)
	p.NoError(result.Err, "an append that keeps all rules failed")
	p.False(result.Duplicate, "G6: a new command id was answered as a duplicate")
	return result
}

// refused appends one that must be refused with an error.
func (p *probe) refused(a engine.Append, want error, why string) engine.Result {
	p.t.Helper()
	result := p.append(a)
	p.ErrorIs(result.Err, want, why)
	return result
}

// load gives a whole stream, whose versions must have no gap (G3).
func (p *probe) load(aggregate string) []engine.Event {
	p.t.Helper()
	var events []engine.Event
	for event, err := range p.store.Load(p.ctx, aggregate, 0) {
		p.NoError(err, "Load")
		events = append(events, event)
		p.Equal(engine.Version(len(events)), event.Version, "G3: the stream of %q has a gap or a swap", aggregate)
		p.Equal(aggregate, event.Subject, "G3: the stream of %q holds an event of another aggregate", aggregate)
	}
	return events
}

// read gives the log after a position, whose positions must increase (G7).
func (p *probe) read(after engine.Position) []engine.Event {
	p.t.Helper()
	var events []engine.Event
	last := after
	for event, err := range p.store.Read(p.ctx, after) {
		p.NoError(err, "Read")
		p.Greater(event.Position, last, "G7: positions do not increase")
		last = event.Position
		events = append(events, event)
	}
	return events
}

// nothingOf makes sure that an aggregate has no event and no command id.
func (p *probe) nothingOf(aggregate, why string) {
	p.t.Helper()
	p.Empty(p.load(aggregate), why)
	for _, event := range p.read(0) {
		p.NotEqual(aggregate, event.Subject, why)
	}
}
