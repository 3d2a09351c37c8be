package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

func emptyStore(p *probe) {
	p.Empty(p.load("nobody"), "an unknown aggregate is an empty stream")
	p.Empty(p.read(0), "a new store holds an event")
	end, err := p.store.End(p.ctx)
	p.NoError(err, "End")
	p.Zero(end, "the end of an empty log is position 0")
	p.NotEmpty(p.store.Capabilities().Name, "Capabilities must name the kind of store")
}

func versionsHaveNoGap(p *probe) {
	for i, n := range []int{1, 3, 1, 200} {
		before := engine.Version(len(p.load("a")))
		result := p.stored(newAppend("a", engine.Exactly(before), n))
		p.Equal(before+1, result.First, "G3: append %d got a wrong first version", i)
		p.Equal(before+engine.Version(n), result.Last, "G3: append %d got a wrong last version", i)
		p.stored(newAppend("b", engine.Any, 2)) // another aggregate in between
	}
	p.Len(p.load("a"), 205, "G3: events are missing from the stream")
	p.Len(p.load("b"), 8, "G3: events are missing from the stream")
}

func positionsIncrease(p *probe) {
	var last engine.Position
	for i := range 20 {
		result := p.stored(newAppend(fmt.Sprint("a", i%3), engine.Any, i%4+1))
		p.Greater(result.Position, last, "G7: a later append got a position before an earlier one")
		last = result.Position
		end, err := p.store.End(p.ctx)
		p.NoError(err, "End")
		p.Equal(last, end, "End is not the position of the last event")
	}
	all := p.read(0)
	p.Len(all, 50, "G7: the log lacks events")
	p.Equal(last, all[len(all)-1].Position, "the result's position is not that of the last event")
}

func fieldsComeBack(p *probe) {
	full := engine.Message{
		ID: engine.NewID(), Type: "test.happened", Source: "https://example.org/ü", Subject: "a",
		Time: time.Date(2026, 1, 31, 12, 30, 15, 123456789, time.UTC), Data: engine.Raw(`{"n":1}`),
		ContentType: "application/json", Schema: "2", CorrelationID: engine.NewID(), CausationID: engine.NewID(),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Metadata:    map[string]string{"tenant": "acme", "note": "\"quoted\" ✓\n", "empty": ""},
	}
	bare := engine.Message{ID: engine.NewID(), Type: "test.happened", Subject: "a", Data: engine.Raw(`{}`)}
	old := bare
	old.Time = time.Date(1, 2, 3, 4, 5, 6, 7, time.UTC)
	old.ID = engine.NewID()
	again := full // the same strings again, then others: a store that keeps what it bound must not mix them up
	again.ID, again.Source, again.Metadata = engine.NewID(), "other", nil
	written := []engine.Message{full, bare, old, again, full}
	events := make([]engine.Event, len(written))
	for i := range written {
		events[i].Message = written[i]
	}
	p.stored(engine.Append{Aggregate: "a", CommandID: engine.NewID(), Events: events})
	for name, got := range map[string][]engine.Event{"Load": p.load("a"), "Read": p.read(0)} {
		p.Len(got, len(written), name)
		for i := range got {
			p.Equal(written[i], got[i].Message, "%s: message %d did not come back as written", name, i)
		}
	}
}

func payloadsComeBack(p *probe) {
	payloads := []string{
		`{"n":1}`, ` { "b" : 1, "a": 2 } `, `"text"`, `17`, `1e400`, "{\"nul\":\"\\u0000\"}", "a\x00b", "\xff\xfe", "\xef\xbb\xbf{}",
		strings.Repeat("x", 100_000), "",
	}
	events := newEvents("a", 2*len(payloads))
	for i := range events {
		events[i].Data = engine.Raw(payloads[i/2])
		if i%2 == 1 {
			events[i].ContentType = "application/octet-stream"
		}
	}
	p.stored(engine.Append{Aggregate: "a", Events: events})
	for i, event := range p.load("a") {
		got, ok := event.Data.(engine.Raw)
		p.True(ok, "a payload that was written as Raw came back as %T", event.Data)
		p.Equal(payloads[i/2], string(got), "payload %d changed", i)
	}
}

func appendWithoutEvents(p *probe) {
	result := p.stored(newAppend("a", engine.NoStream, 0))
	p.Equal(engine.Result{First: 1, Last: 0}, result, "no event was appended to an empty stream: Last is First-1")
	p.stored(newAppend("a", engine.NoStream, 2))
	result = p.stored(newAppend("a", engine.Exactly(2), 0))
	p.Equal(engine.Result{First: 3, Last: 2}, result, "no event was appended to a stream at version 2")
	p.Len(p.load("a"), 2, "an append without events changed the stream")
	p.refused(newAppend("a", engine.Exactly(1), 0), engine.ErrConflict, "G4: an append without events is conditional too")
}

func emptyCall(p *probe) {
	p.Empty(p.call(), "a call without appends has no results")
	p.Empty(p.read(0), "a call without appends stored something")
}

func appendsAreIndependent(p *probe) {
	p.stored(newAppend("b", engine.NoStream, 1))
	results := p.call(
		newAppend("a", engine.NoStream, 2),
		newAppend("b", engine.NoStream, 1), // a conflict
		newAppend("", engine.NoStream, 1),  // out of bounds
		newAppend("c", engine.NoStream, 1),
	)
	p.NoError(results[0].Err, "an append failed for its neighbour's fault")
	p.ErrorIs(results[1].Err, engine.ErrConflict)
	p.ErrorIs(results[2].Err, engine.ErrLimit)
	p.NoError(results[3].Err, "an append failed for its neighbour's fault")
	p.Len(p.load("a"), 2, "G2: events are missing")
	p.Len(p.load("b"), 1, "G2: a refused append left an event")
	p.Len(p.load("c"), 1, "G2: events are missing")
}

func appendsAreSequenced(p *probe) {
	var batch []engine.Append
	for i := range 50 {
		batch = append(batch, newAppend("a", engine.Exactly(engine.Version(i)), 1))
	}
	var last engine.Position
	for i, result := range p.call(batch...) {
		p.NoError(result.Err, "G3: append %d of a chain failed: appends of one call are applied in sequence", i)
		p.Equal(engine.Version(i+1), result.First, "G3: append %d of a chain has a wrong version", i)
		p.Greater(result.Position, last, "G3: append %d of a chain has a wrong position", i)
		last = result.Position
	}
	for i, event := range p.load("a") {
		p.Equal(batch[i].Events[0].ID, event.ID, "G3: version %d is the event of another append", i+1)
	}
}

func chainBreaks(p *probe) {
	first := newAppend("a", engine.NoStream, 1)
	p.stored(first)
	results := p.call(
		newAppend("a", engine.Exactly(7), 1), // fails
		newAppend("a", engine.Exactly(8), 1), // built on the one before
		newAppend("a", engine.Exactly(1), 1),
		first, // a duplicate adds nothing
		newAppend("a", engine.Exactly(3), 1),
	)
	p.ErrorIs(results[0].Err, engine.ErrConflict)
	p.ErrorIs(results[1].Err, engine.ErrConflict, "G3: an append was stored behind a failed one on which it was built")
	p.NoError(results[2].Err)
	p.True(results[3].Duplicate, "G6: a repeated command was not recognized")
	p.ErrorIs(results[4].Err, engine.ErrConflict, "G3: an append was stored on a version that a duplicate did not make")
	p.Len(p.load("a"), 2)
}

func refusedLeavesNothing(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 1))
	p.refused(newAppend("a", engine.NoStream, 100), engine.ErrConflict, "G4")
	bad := newAppend("a", engine.Exactly(1), 100)
	bad.Events[99].Type = ""
	p.refused(bad, engine.ErrLimit, "an event without a type is out of bounds")
	p.Len(p.load("a"), 1, "G2: a refused append left events")
	p.Len(p.read(0), 1, "G2: a refused append left events in the log")
	result := p.stored(newAppend("a", engine.Exactly(1), 1))
	p.Equal(engine.Version(2), result.First, "G2: a refused append took a version")
}

func largeCall(p *probe) {
	batch := make([]engine.Append, 10_000)
	for i := range batch {
		batch[i] = newAppend(fmt.Sprint("a", i%100), engine.Exactly(engine.Version(i/100)), 1)
	}
	for i, result := range p.call(batch...) {
		p.NoError(result.Err, "append %d of a large call failed", i)
	}
	log := p.read(0)
	p.Len(log, len(batch), "G2: a large call lost appends")
	for i := range log {
		if log[i].ID != batch[i].Events[0].ID {
			p.Equal(batch[i].Events[0].ID, log[i].ID, "G3: the appends of a call stand in another sequence")
		}
	}
	for i := range 100 {
		p.Len(p.load(fmt.Sprint("a", i)), 100, "G3: a stream lacks events")
	}
}
