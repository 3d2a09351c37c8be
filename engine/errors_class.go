package engine

import (
	"errors"
	"fmt"
	"time"
)

// The classes of errors that have nothing to carry. The typed errors below match the sentinel of their kind.
var (
	ErrTimeout = errors.New("engine: timed out")          // nothing stored: what comes late is not appended
	ErrInvalid = errors.New("engine: message is invalid") // nothing stored
)

// Temporary marks an error as worth another try, whatever it is by itself. It unwraps to err, and is nil for nil.
func Temporary(err error) error {
	if err == nil {
		return nil
	}
	return temporary{err}
}

// Permanent marks an error as not worth another try, whatever it is by itself. It unwraps to err, and is nil for nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// Two types rather than one with a flag: the causes of a dead letter name the type.
type (
	temporary struct{ error }
	permanent struct{ error }
)

func (m temporary) Unwrap() error { return m.error }
func (m permanent) Unwrap() error { return m.error }

// Temporary is for those who ask as package net does.
func (temporary) Temporary() bool { return true }

// TimeoutError says that code did not return in its time. It is retryable.
type TimeoutError struct {
	Handler string // or decider; empty when the time was that of the whole command
	After   time.Duration
}

// Error names the handler and its time.
func (e *TimeoutError) Error() string {
	if e.Handler == "" {
		return fmt.Sprintf("engine: the command took longer than %v", e.After)
	}
	return fmt.Sprintf("engine: handler %q took longer than %v", e.Handler, e.After)
}

// Is matches ErrTimeout.
func (e *TimeoutError) Is(target error) bool { return target == ErrTimeout }

// Timeout is for those who ask as package net does.
func (e *TimeoutError) Timeout() bool { return true }

// ValidationError says what is wrong with a message, all of it at once. It is never retried.
type ValidationError struct{ Faults []error }

// Error gives every fault, on one line.
func (e *ValidationError) Error() string { return "invalid: " + joined(e.Faults).Error() }

// Is matches ErrInvalid.
func (e *ValidationError) Is(target error) bool { return target == ErrInvalid }

// Unwrap gives the faults.
func (e *ValidationError) Unwrap() []error { return e.Faults }

// Retryable tells whether another try may end better. Of these rules the first that fits decides:
//
//   - A rejection, whatever matches ErrInvalid, and a panic are never retried, not even when they are marked.
//   - An error marked by [Permanent] is not, one marked by [Temporary] is: the outermost mark counts.
//   - ErrConflict, ErrUnknown, ErrTimeout, context.DeadlineExceeded, and an error with a method Temporary or Timeout that
//     says true, are.
//   - Anything else is not: a fault of the code would only happen again.
//
// It looks at err and at all that it wraps. Where one error wraps several, one that is marked Permanent decides, and
// otherwise one that is retried.
func Retryable(err error) bool {
	if errors.Is(err, ErrRejected) || errors.Is(err, ErrInvalid) {
		return false
	}
	if _, panicked := errors.AsType[*PanicError](err); panicked {
		return false
	}
	return classify(err) == retried
}

// class is what an error says about another try. Among several the greatest decides.
type class uint8

const (
	unsaid class = iota
	retried
	final
)

func classify(err error) class {
	switch err.(type) {
	case temporary:
		return retried
	case permanent:
		return final
	}
	if passes(err) {
		return retried
	}
	most := unsaid
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		most = classify(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, wrapped := range e.Unwrap() {
			most = max(most, classify(wrapped))
		}
	}
	return most
}

// passes tells whether this very error, without what it wraps, is one that passes.
func passes(err error) bool {
	if e, ok := err.(interface{ Temporary() bool }); ok && e.Temporary() {
		return true
	}
	if e, ok := err.(interface{ Timeout() bool }); ok && e.Timeout() { // context.DeadlineExceeded too
		return true
	}
	is, _ := err.(interface{ Is(error) bool })
	for _, target := range [...]error{ErrConflict, ErrUnknown, ErrTimeout} {
		if err == target || is != nil && is.Is(target) {
			return true
		}
	}
	return false
}
