package engine_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

func TestStatusString(t *testing.T) {
	require.Equal(t, "accepted rejected dead-lettered unknown status 0 status 9", fmt.Sprint(
		engine.Accepted, engine.Rejected, engine.DeadLettered, engine.Unknown, engine.Status(0), engine.Status(9)))
}

func TestOutcomeError(t *testing.T) {
	require.NoError(t, engine.Outcome{Status: engine.Accepted}.Error())
	require.Equal(t, engine.Reject("no"), engine.Outcome{Status: engine.Rejected, Reason: "no"}.Error())
	require.Equal(t, io.EOF, engine.Outcome{Status: engine.DeadLettered, Err: io.EOF}.Error())
	require.Equal(t, engine.ErrUnknown, engine.Outcome{Status: engine.Unknown, Err: engine.ErrUnknown}.Error())

	timeout := engine.Outcome{Status: engine.Unknown, Err: context.DeadlineExceeded}.Error()
	require.ErrorIs(t, timeout, engine.ErrUnknown, "the effect is unknown whatever the cause was")
	require.ErrorIs(t, timeout, context.DeadlineExceeded)
}

// A forgotten cause must not make a success of a failure.
func TestOutcomeErrorIsNeverNilForAFailure(t *testing.T) {
	require.Equal(t, engine.ErrUnknown, engine.Outcome{Status: engine.Unknown}.Error())
	require.EqualError(t, engine.Outcome{CommandID: id(t, 1), Status: engine.DeadLettered}.Error(),
		"engine: command 00000000-0000-7000-8000-000000000001: dead-lettered")
	require.EqualError(t, engine.Outcome{CommandID: id(t, 1)}.Error(),
		"engine: command 00000000-0000-7000-8000-000000000001: status 0")
	require.ErrorIs(t, engine.Outcome{Status: engine.Rejected}.Error(), engine.ErrRejected)
}

func TestOutcomeEvents(t *testing.T) {
	for _, c := range []struct {
		outcome engine.Outcome
		want    int
	}{
		{engine.Outcome{Status: engine.Accepted, First: 1, Last: 1}, 1},
		{engine.Outcome{Status: engine.Accepted, First: 7, Last: 9}, 3},
		{engine.Outcome{Status: engine.Accepted, First: 1, Last: 0}, 0}, // nothing, in an empty stream
		{engine.Outcome{Status: engine.Accepted, First: 8, Last: 7}, 0},
		{engine.Outcome{Status: engine.Accepted, First: 1, Last: 2, Repeated: true}, 2},
		{engine.Outcome{Status: engine.Rejected, First: 8, Last: 7}, 0},
		{engine.Outcome{Status: engine.DeadLettered}, 0},
		{engine.Outcome{Status: engine.Unknown}, 0},
	} {
		require.Equal(t, c.want, c.outcome.Events(), "%+v", c.outcome)
	}
}
