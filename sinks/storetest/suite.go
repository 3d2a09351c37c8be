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
const patience = 20 * time.Second

// A rule is one thing that every store does.
type rule struct {
	name  string
	check func(p *probe)
}

// rules in the sequence in which a new store is best made to keep them.
var rules = []rule{
	{"an empty store is empty", emptyStore},
	{"versions start at 1 and have no gap", versionsHaveNoGap},
	{"positions increase in the sequence of the log", positionsIncrease},
	{"all fields of a message come back as written", fieldsComeBack},
	{"payload bytes come back as written", payloadsComeBack},
	{"an append without events answers the version", appendWithoutEvents},
	{"a call without appends answers nothing", emptyCall},
	{"the appends of one call are independent", appendsAreIndependent},
	{"the appends of one call are applied in sequence", appendsAreSequenced},
	{"an append behind a failed one of its aggregate conflicts", chainBreaks},
	{"a refused append leaves none of its events", refusedLeavesNothing},
	{"a large call is stored whole", largeCall},
	{"expected no stream", expectedNoStream},
	{"expected exact version", expectedExact},
	{"expected any version", expectedAny},
	{"a conflict names expected and actual version", conflictNamesVersions},
	{"of concurrent appends with one expected version one wins", oneWins},
	{"concurrent use keeps every stream whole", concurrentUse},
	{"a command id answers its first result", commandAnswersFirst},
	{"a command id is looked at before the version", commandBeforeVersion},
	{"a command id counts within one call", commandWithinCall},
	{"a command id of a failed append is free", failedCommandIsFree},
	{"a command id of another aggregate is refused", commandReused},
	{"a zero command id is no id", zeroCommandID},
	{"a rejection is kept", rejectionIsKept},
	{"a rejection is conditional on the version", rejectionIsConditional},
	{"concurrent repeats of a command store it once", repeatsStoreOnce},
	{"load starts at a version, inclusive", loadFromVersion},
	{"read starts behind a position, exclusive", readAfterPosition},
	{"an iteration can be broken off and repeated", iterationBreaks},
	{"an iteration may use the store", iterationNests},
	{"an iteration ends with its context", iterationEndsWithContext},
	{"a reader beside writers sees every event once, in sequence", readerNeverSkips},
	{"a load beside writers is a prefix", loadIsPrefix},
	{"no half append is seen", noHalfAppend},
	{"follow catches up and goes on live", followGoesOn},
	{"wait wakes", waitWakes},
	{"wait ends with its context and with the store", waitEnds},
	{"hostile aggregate ids do not mix", hostileIDs},
	{"bad aggregate ids are refused", badIDs},
	{"the limits of an append are exact", exactLimits},
	{"an append that contradicts itself is refused", contradictions},
	{"a context that is done stores nothing", doneContext},
	{"a closed store answers ErrClosed", closedStore},
	{"random histories answer as the model does", randomHistories},
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
	t     *testing.T
	ctx   context.Context // ends when the test does, or when patience does
	store engine.Store
}

// newProbe takes a store over and closes it when the test ends.
func newProbe(t *testing.T, store engine.Store) *probe {
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
			Time: time.Now().UTC(), Data: engine.Raw(fmt.Sprintf(`{"n":%d}`, i+1)),
		}
	}
	return events
}

// newAppend makes an append of n events, with a new command id.
func newAppend(aggregate string, expected engine.Expected, n int) engine.Append {
	return engine.Append{
		Aggregate: aggregate, Expected: expected, CommandID: engine.NewID(), Events: newEvents(aggregate, n),
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
