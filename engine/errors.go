package engine

import (
	"errors"
	"fmt"
	"strings"
)

// Errors with nothing to carry. The typed errors below match the sentinel of their kind through errors.Is.
var (
	ErrClosed   = errors.New("engine: closed")                                          // nothing stored
	ErrConflict = errors.New("engine: version conflict")                                // nothing stored
	ErrRejected = errors.New("engine: command rejected")                                // no event stored
	ErrLimit    = errors.New("engine: limit exceeded")                                  // nothing stored
	ErrUnknown  = errors.New("engine: the store may or may not have stored the append") // may be stored
	ErrReused   = errors.New("engine: command id used again for another command")       // nothing stored
	ErrCorrupt  = errors.New("engine: stored data is damaged")
	ErrNoType   = errors.New("engine: type is not registered")
)

// ConflictError says that an append expected another version than the aggregate has. Nothing was stored.
type ConflictError struct {
	Aggregate string
	Expected  Expected
	Actual    Version
}

// Error names the aggregate and both versions.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("engine: aggregate %q is at version %d, the append expected %s", e.Aggregate, e.Actual, e.Expected)
}

// Is matches ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// ReusedError says that a command id is stored already, for another aggregate or for a command that said something else.
// Nothing was stored.
type ReusedError struct {
	CommandID ID
	First     string // the aggregate that the id was first used for
	Again     string // the aggregate that it was used for now
}

// Error names the id, and what the two uses differ in.
func (e *ReusedError) Error() string {
	if e.First == e.Again {
		return fmt.Sprintf("engine: command id %s was used before for another command to %q", e.CommandID, e.First)
	}
	return fmt.Sprintf("engine: command id %s was used before for %q, now for %q", e.CommandID, e.First, e.Again)
}

// Is matches ErrReused.
func (e *ReusedError) Is(target error) bool { return target == ErrReused }

// RejectedError is a decision: the domain's rules refuse the command. It is an outcome, not a failure: never retried,
// never dead-lettered.
type RejectedError struct{ Reason string }

// Reject makes the error with which a handler or decider refuses a command, for a reason told to whoever sent it.
func Reject(format string, args ...any) error {
	return &RejectedError{Reason: fmt.Sprintf(format, args...)}
}

// Error gives the reason.
func (e *RejectedError) Error() string { return "rejected: " + e.Reason }

// Is matches ErrRejected.
func (e *RejectedError) Is(target error) bool { return target == ErrRejected }

// HandlerError names the message and the handler that failed on it.
type HandlerError struct {
	Type    string // of the message
	ID      ID     // of the message
	Handler string
	Err     error
}

// Error names the message, the handler and the cause.
func (e *HandlerError) Error() string {
	return fmt.Sprintf("engine: handler %q failed on %s %s: %v", e.Handler, e.Type, e.ID, e.Err)
}

// Unwrap gives the cause.
func (e *HandlerError) Unwrap() error { return e.Err }

// PanicError is a panic that became an error: one failed message, never a dead process.
type PanicError struct {
	Value any
	Stack []byte
}

// Error gives the panic's value, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap gives the panic's value when it was an error, but no rejection: a panic is a failure, whatever was thrown.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	if errors.Is(err, ErrRejected) {
		return nil
	}
	return err
}

// LimitError says which bound was broken. Nothing was stored.
type LimitError struct{ What, Why string }

// Error says what is out of bounds, and why.
func (e *LimitError) Error() string { return fmt.Sprintf("engine: %s %s", e.What, e.Why) }

// Is matches ErrLimit.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// PayloadError says that a payload or stream element has another Go type than its place asks for.
type PayloadError struct {
	Want string
	Got  any
}

// Error names both types.
func (e *PayloadError) Error() string {
	return fmt.Sprintf("engine: want a %s, got a %T", e.Want, e.Got)
}

// joinErrors is errors.Join on one line, for messages that end up in tables and logs.
func joinErrors(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return joined(errs)
}

type joined []error

func (j joined) Error() string {
	parts := make([]string, len(j))
	for i, err := range j {
		parts[i] = err.Error()
	}
	return strings.Join(parts, "; ")
}

func (j joined) Unwrap() []error { return j }
