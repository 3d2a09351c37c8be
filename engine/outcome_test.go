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

func TestOutcomeFailure(t *testing.T) {
	require.NoError(t, engine.Outcome{Status: engine.Accepted}.Failure())
	require.Equal(t, engine.Reject("no"), engine.Outcome{Status: engine.Rejected, Reason: "no"}.Failure())
	require.Equal(t, io.EOF, engine.Outcome{Status: engine.DeadLettered, Err: io.EOF}.Failure())
	require.Equal(t, engine.ErrUnknown, engine.Outcome{Status: engine.Unknown, Err: engine.ErrUnknown}.Failure())

	timeout := engine.Outcome{Status: engine.Unknown, Err: context.DeadlineExceeded}.Failure()
	require.ErrorIs(t, timeout, engine.ErrUnknown, "the effect is unknown whatever the cause was")
	require.ErrorIs(t, timeout, context.DeadlineExceeded)
}

// A forgotten cause must not make a success of a failure.
func TestOutcomeFailureIsNeverNilForAFailure(t *testing.T) {
	require.Equal(t, engine.ErrUnknown, engine.Outcome{Status: engine.Unknown}.Failure())
	require.EqualError(t, engine.Outcome{CommandID: id(t, 1), Status: engine.DeadLettered}.Failure(),
		"engine: command 00000000-0000-7000-8000-000000000001: dead-lettered")
	require.EqualError(t, engine.Outcome{CommandID: id(t, 1)}.Failure(),
		"engine: command 00000000-0000-7000-8000-000000000001: status 0")
	require.ErrorIs(t, engine.Outcome{Status: engine.Rejected}.Failure(), engine.ErrRejected)
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
