package engine

import (
	"errors"
	"fmt"
)

// Status is one of the four ends a command can come to.
type Status uint8

// The four ends.
const (
	Accepted     Status = iota + 1 // its events are stored
	Rejected                       // the domain refused it; the refusal is stored
	DeadLettered                   // it could not be handled; nothing is stored
	Unknown                        // the store did not answer; its events may be stored
)

// String gives the status as reports print it.
func (s Status) String() string {
	switch s {
	case Accepted:
		return "accepted"
	case Rejected:
		return "rejected"
	case DeadLettered:
		return "dead-lettered"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("status %d", uint8(s))
}

// Outcome is what became of one command. Every admitted command gets exactly one (G5).
type Outcome struct {
	CommandID   ID
	Status      Status
	First, Last Version  // versions of its events; Last = First-1 when there are none
	Position    Position // of its last event
	Reason      string   // why it was rejected
	Repeated    bool     // the store had it already: this is the first outcome again, or the first whose answer was not lost
	Err         error    // why it was dead-lettered or is unknown
}

// Events is the number of events that the command has in the store, as far as this outcome can tell.
func (o Outcome) Events() int {
	if o.Status != Accepted {
		return 0
	}
	return int(o.Last + 1 - o.First)
}

// Failure gives nil for an accepted command only, and otherwise an error that matches ErrRejected, ErrUnknown or the cause
// of the dead letter.
func (o Outcome) Failure() error {
	switch o.Status {
	case Accepted:
		return nil
	case Rejected:
		return &RejectedError{Reason: o.Reason}
	case Unknown:
		if o.Err == nil {
			return ErrUnknown
		}
		if !errors.Is(o.Err, ErrUnknown) {
			return fmt.Errorf("%w: %w", ErrUnknown, o.Err)
		}
	}
	if o.Err == nil { // a forgotten cause must not turn a failure into a success
		return fmt.Errorf("engine: command %s: %s", o.CommandID, o.Status)
	}
	return o.Err
}
