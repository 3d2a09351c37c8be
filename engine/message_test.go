package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

func TestNewCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time stands at 2000-01-01T00:00:00Z here
		cmd := engine.NewCommand("purse-1", deposit{5})
		require.False(t, cmd.ID.IsZero())
		require.Equal(t, "2000-01-01T00:00:00Z", cmd.Time.Format(time.RFC3339Nano))
		require.Equal(t, &engine.Command{Message: engine.Message{
			ID: cmd.ID, Source: "orchestrix", Subject: "purse-1", Time: cmd.Time, Data: deposit{5},
			CorrelationID: cmd.ID, // a first command starts a conversation and nothing caused it
		}}, cmd)
		require.NotEqual(t, cmd.ID, engine.NewCommand("purse-1", deposit{5}).ID)
	})
}

func TestAsCommand(t *testing.T) {
	cmd := engine.NewCommand("purse-1", deposit{5})
	require.Same(t, cmd, engine.AsCommand(cmd))
	require.Equal(t, cmd, engine.AsCommand(*cmd))
}

// Whatever a foreign stream holds becomes a command with a defect that names what was there.
func TestAsCommandForeignElement(t *testing.T) {
	var none *engine.Command
	for _, c := range []struct {
		element, data any
		defect        string
	}{
		{"text", "text", "engine: want a *engine.Command, got a string"},
		{deposit{5}, deposit{5}, "engine: want a *engine.Command, got a engine_test.deposit"},
		{engine.Event{}, engine.Event{}, "engine: want a *engine.Command, got a engine.Event"},
		{nil, nil, "engine: want a *engine.Command, got a <nil>"},
		{none, nil, "engine: want a *engine.Command, got a <nil>"},
	} {
		cmd := engine.AsCommand(c.element)
		require.EqualError(t, cmd.Defect, c.defect)
		require.Equal(t, c.data, cmd.Data)
	}
}

// An event tells which command caused it and which conversation it belongs to; no caller can set that.
func TestEventsCarryTheirLineage(t *testing.T) {
	r := engine.NewRegistry(purse{})
	cmd := engine.NewCommand("purse-1", deposit{5})
	cmd.Source, cmd.TraceParent = "shop", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	cmd.CorrelationID, cmd.CausationID = id(t, 7), id(t, 8)
	now := time.Date(2026, 1, 31, 13, 0, 0, 0, time.FixedZone("", 3600))
	events, err := r.Events(nil, cmd, []any{deposited{5}, withdrawn{1}}, now)
	require.NoError(t, err)
	want := engine.Message{
		ID: events[0].ID, Type: "purse.deposited", Source: "shop", Subject: "purse-1", Time: now.UTC(), Data: deposited{5},
		CorrelationID: id(t, 7), CausationID: cmd.ID, TraceParent: cmd.TraceParent,
	}
	require.Equal(t, engine.Event{Message: want}, events[0])
	want.ID, want.Type, want.Data = events[1].ID, "purse.withdrawn", withdrawn{1}
	require.Equal(t, engine.Event{Message: want}, events[1])
	require.NotEqual(t, events[0].ID, events[1].ID)

	cmd.CorrelationID = engine.ID{}
	events, err = r.Events(events[:1], cmd, []any{deposited{5}}, now)
	require.NoError(t, err)
	require.Len(t, events, 2, "events are added to those that are there")
	require.Equal(t, cmd.ID, events[1].CorrelationID, "without a conversation the command starts one")
}
