package engine_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Typed errors match the sentinel of their kind, even wrapped, and no other one.
func TestErrorsMatchTheirSentinel(t *testing.T) {
	sentinels := []error{
		engine.ErrClosed, engine.ErrConflict, engine.ErrRejected, engine.ErrLimit, engine.ErrUnknown, engine.ErrReused,
		engine.ErrCorrupt, engine.ErrNoType,
	}
	for _, c := range []struct{ err, is error }{
		{&engine.ConflictError{}, engine.ErrConflict},
		{engine.Reject("no"), engine.ErrRejected},
		{&engine.LimitError{}, engine.ErrLimit},
		{&engine.HandlerError{Err: engine.Reject("no")}, engine.ErrRejected},
		{&engine.HandlerError{Err: io.EOF}, nil},
		{&engine.PayloadError{}, nil},
	} {
		for _, sentinel := range sentinels {
			require.Equal(t, sentinel == c.is, errors.Is(fmt.Errorf("wrapped: %w", c.err), sentinel), "%T is %v", c.err, sentinel)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	for want, err := range map[string]error{
		`engine: aggregate "a" is at version 3, the append expected version 2`: &engine.ConflictError{
			Aggregate: "a", Expected: 2, Actual: 3,
		},
		`rejected: 3 of 4`: engine.Reject("%d of %d", 3, 4),
		`engine: handler "mail" failed on order.paid 00000000-0000-7000-8000-000000000001: EOF`: &engine.HandlerError{
			Type: "order.paid", ID: id(t, 1), Handler: "mail", Err: io.EOF,
		},
		`panic: EOF`:                                              &engine.PanicError{Value: io.EOF},
		`engine: want a string, got a int`:                        &engine.PayloadError{Want: "string", Got: 1},
		`engine: want a string, got a <nil>`:                      &engine.PayloadError{Want: "string"},
		`engine: data has 9 bytes, 8 are allowed`:                 &engine.LimitError{What: "data", Why: "has 9 bytes, 8 are allowed"},
		`engine: version conflict`:                                engine.ErrConflict,
		`engine: the store may or may not have stored the append`: engine.ErrUnknown,
	} {
		require.EqualError(t, err, want)
	}
}

func TestRejectFormatsTheReason(t *testing.T) {
	var rejected *engine.RejectedError
	require.ErrorAs(t, engine.Reject("%s is %d %%", "fee", 3), &rejected)
	require.Equal(t, "fee is 3 %", rejected.Reason)
}

func TestPanicErrorUnwrapsErrorsOnly(t *testing.T) {
	require.ErrorIs(t, &engine.PanicError{Value: io.EOF}, io.EOF)
	require.NoError(t, errors.Unwrap(&engine.PanicError{Value: "text"}))
	require.NoError(t, errors.Unwrap(&engine.PanicError{}))
}
