package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

func TestRetryable(t *testing.T) {
	invalid := &engine.ValidationError{Faults: []error{engine.Temporary(io.EOF)}}
	for name, c := range map[string]struct {
		err   error
		again bool
	}{
		"nothing":                      {nil, false},
		"an error without a class":     {io.EOF, false},
		"marked temporary":             {engine.Temporary(io.EOF), true},
		"marked permanent":             {engine.Permanent(engine.ErrConflict), false},
		"the outer mark is temporary":  {engine.Temporary(engine.Permanent(io.EOF)), true},
		"the outer mark is permanent":  {engine.Permanent(engine.Temporary(io.EOF)), false},
		"a mark further in":            {wrapped(engine.Temporary(io.EOF)), true},
		"a conflict":                   {&engine.ConflictError{}, true},
		"the sentinel of a conflict":   {wrapped(engine.ErrConflict), true},
		"a store that did not answer":  {wrapped(engine.ErrUnknown), true},
		"our timeout":                  {wrapped(&engine.TimeoutError{}), true},
		"the sentinel of a timeout":    {wrapped(engine.ErrTimeout), true},
		"a context's deadline":         {wrapped(context.DeadlineExceeded), true},
		"a file's deadline":            {wrapped(os.ErrDeadlineExceeded), true},
		"a context that was cancelled": {wrapped(context.Canceled), false},
		"says that it is temporary":    {wrapped(&net.DNSError{IsTemporary: true}), true},
		"says that it is a timeout":    {wrapped(&net.DNSError{IsTimeout: true}), true},
		"says that it is neither":      {wrapped(&net.DNSError{IsNotFound: true}), false},
		"a rejection":                  {engine.Reject("no"), false},
		"a rejection, marked":          {engine.Temporary(wrapped(engine.Reject("no"))), false},
		"invalid":                      {invalid, false},
		"invalid, marked":              {engine.Temporary(invalid), false},
		"the sentinel of invalid":      {engine.Temporary(engine.ErrInvalid), false},
		"a panic":                      {&engine.PanicError{Value: "text"}, false},
		"a panic with a mark inside":   {&engine.PanicError{Value: engine.Temporary(io.EOF)}, false},
		"a panic, marked":              {engine.Temporary(&engine.PanicError{}), false},
		"a limit":                      {&engine.LimitError{}, false},
		"closed":                       {engine.ErrClosed, false},
		"several, one worth a try":     {errors.Join(io.EOF, engine.Temporary(io.EOF)), true},
		"several, one permanent":       {errors.Join(engine.Temporary(io.EOF), engine.Permanent(io.EOF)), false},
		"several, one rejection":       {errors.Join(engine.ErrConflict, engine.Reject("no")), false},
		"several, none of a class":     {errors.Join(io.EOF, io.ErrNoProgress), false},
		"a class and its cause":        {fmt.Errorf("%w: %w", engine.ErrUnknown, io.EOF), true},
		"a mark around several":        {engine.Permanent(errors.Join(engine.ErrConflict, engine.ErrTimeout)), false},
		"uncomparable":                 {uncomparable{"a"}, false},
	} {
		require.Equal(t, c.again, engine.Retryable(c.err), name)
		if c.err != nil {
			require.Equal(t, c.again, engine.Retryable(&engine.HandlerError{Err: c.err}), "%s, of a handler", name)
		}
	}
}

type uncomparable []string

func (u uncomparable) Error() string { return u[0] }

func wrapped(err error) error { return fmt.Errorf("wrapped: %w", err) }

func TestMarksChangeNothingElse(t *testing.T) {
	for _, mark := range []func(error) error{engine.Temporary, engine.Permanent} {
		require.NoError(t, mark(nil))
		require.EqualError(t, mark(io.EOF), "EOF")
		require.ErrorIs(t, mark(io.EOF), io.EOF)
		marked, ok := errors.AsType[*engine.LimitError](mark(&engine.LimitError{What: "data"}))
		require.True(t, ok)
		require.Equal(t, "data", marked.What)
	}
	temporary, ok := engine.Temporary(io.EOF).(interface{ Temporary() bool })
	require.True(t, ok && temporary.Temporary(), "for those who ask as package net does")
}

// A dead letter shows which mark an error had.
func TestCausesNameTheMark(t *testing.T) {
	cmd := engine.NewCommand("purse-1", deposit{1})
	require.Equal(t, []string{"engine.temporary: EOF", "*errors.errorString: EOF"},
		engine.NewDeadLetter(cmd, engine.Temporary(io.EOF)).Causes)
	require.Equal(t, "engine.permanent: EOF", engine.NewDeadLetter(cmd, engine.Permanent(io.EOF)).Causes[0])
}

func TestClassErrors(t *testing.T) {
	timeout := &engine.TimeoutError{Handler: "mail", After: 2 * time.Second}
	require.ErrorIs(t, timeout, engine.ErrTimeout)
	require.EqualError(t, timeout, `engine: handler "mail" took longer than 2s`)
	require.EqualError(t, &engine.TimeoutError{After: time.Minute}, "engine: the command took longer than 1m0s")
	require.True(t, timeout.Timeout(), "for those who ask as package net does")

	invalid := &engine.ValidationError{Faults: []error{errors.New("no customer"), &engine.LimitError{What: "sum", Why: "is 0"}}}
	require.ErrorIs(t, invalid, engine.ErrInvalid)
	require.NotErrorIs(t, invalid, engine.ErrTimeout)
	require.EqualError(t, invalid, "invalid: no customer; engine: sum is 0")
	require.ErrorIs(t, invalid, engine.ErrLimit, "the faults can be asked for")
}
