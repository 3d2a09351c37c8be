package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// Whatever an event has comes back, also what the store keeps aside: a time that is not UTC or far away, a conversation
// that another command began.
func TestEventComesBack(t *testing.T) {
	command, other := engine.NewID(), engine.NewID()
	plain := engine.Message{
		ID: engine.NewID(), Type: "test.happened", Source: "test", Subject: "a", Data: 1, Time: time.Unix(1, 2).UTC(),
		CorrelationID: command, CausationID: command,
	}
	var written []engine.Event
	for _, change := range []func(*engine.Message){
		func(*engine.Message) {},
		func(m *engine.Message) { m.Time = time.Time{} },
		func(m *engine.Message) { m.Time = time.Unix(0, 0).UTC() },
		func(m *engine.Message) { m.Time = time.Unix(-8_999_999_999, 1).UTC() },
		func(m *engine.Message) { m.Time = time.Unix(9_000_000_000, 1).UTC() },
		func(m *engine.Message) { m.Time = time.Unix(1<<40, 1).UTC() },
		func(m *engine.Message) { m.Time = time.Unix(-1<<40, 1).UTC() },
		func(m *engine.Message) { m.Time = time.Unix(1, 2).In(time.FixedZone("CET", 3600)) },
		func(m *engine.Message) { m.Time = time.Time{}.In(time.FixedZone("CET", 3600)) },
		func(m *engine.Message) { m.CorrelationID = other },
		func(m *engine.Message) { m.CorrelationID = engine.ID{} },
		func(m *engine.Message) { m.CorrelationID, m.CausationID = engine.ID{}, engine.ID{} },
		func(m *engine.Message) { m.Data = nil },
		func(m *engine.Message) { m.TraceParent = "00-1-2-01" },
		func(m *engine.Message) { m.Metadata = map[string]string{} },
		func(m *engine.Message) { m.Metadata, m.Time = map[string]string{"a": "b"}, time.Unix(1<<40, 0).UTC() },
	} {
		event := engine.Event{Message: plain, Version: engine.Version(len(written) + 1), Position: engine.Position(len(written) + 1)}
		change(&event.Message)
		written = append(written, event)
	}
	store := memory.New()
	result := store.Append(t.Context(), []engine.Append{{Aggregate: "a", CommandID: command, Events: written}})[0]
	require.NoError(t, result.Err)
	var read []engine.Event
	for event, err := range store.Read(t.Context(), 0) {
		require.NoError(t, err)
		read = append(read, event)
	}
	require.Equal(t, written, read)
}

// Kinds of events are numbered, and there are more of them than numbers.
func TestMoreKindsThanNumbers(t *testing.T) {
	const kinds = 5000
	store := memory.New()
	for round := range 2 {
		for i := range kinds {
			command, typ := engine.NewID(), fmt.Sprintf("test.happened-%d", i)
			event := engine.Event{Message: engine.Message{
				Type: typ, Subject: "a", CausationID: command, CorrelationID: command, Data: i,
			}}
			a := engine.Append{Aggregate: "a", CommandID: command, Expected: engine.Any, Events: []engine.Event{event}}
			first := store.Append(t.Context(), []engine.Append{a})[0]
			require.NoError(t, first.Err)
			require.EqualValues(t, round*kinds+i+1, first.Last)
			first.Duplicate = true
			require.Equal(t, first, store.Append(t.Context(), []engine.Append{a})[0])
		}
	}
	n := 0
	for event, err := range store.Load(t.Context(), "a", 1) {
		require.NoError(t, err)
		require.Equal(t, n%kinds, event.Data)
		require.Equal(t, fmt.Sprintf("test.happened-%d", n%kinds), event.Type)
		n++
	}
	require.Equal(t, 2*kinds, n)
}
