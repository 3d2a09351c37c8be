package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// MaxDeadLetters is how many dead letters a store keeps. One more is refused with ErrLimit: replay or drop some.
const MaxDeadLetters = 100_000

// A DeadLetter is a command that could not be handled, whole, with what is known of why.
type DeadLetter struct {
	// ID names the letter: it is the id of its command, or follows from what was read when that is no command.
	ID      ID
	Command *Command // whole; from a store that encodes, its payload is Raw; one with a Defect could not be read
	// Err is why. From a store it is an error with the same text that wraps nothing.
	Err      error
	Causes   []string // Err and what it wraps, outermost first, each with its Go type
	Handler  string   // the handler or decider that failed; empty when none did
	Stack    string   // of a panic
	Attempts int      // how often the command was handled; 0 when it never was
	First    time.Time
	Last     time.Time // of the attempts
	State    LetterState
	Number   uint64 // of the letter in its store, ascending in the sequence in which letters were kept; 0 in no store
}

// LetterState says what a dead letter means for the later commands of its aggregate.
type LetterState uint8

// The three states.
const (
	Skipped LetterState = iota // they go on
	Parked                     // they wait until the letter is replayed or dropped
	Waiting                    // it did not fail: it waits behind one that is parked
)

// String gives the state as reports print it.
func (s LetterState) String() string {
	switch s {
	case Skipped:
		return "skipped"
	case Parked:
		return "parked"
	case Waiting:
		return "waiting"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// NewDeadLetter makes the letter of a command that failed. It finds the handler, the causes and the stack in the error; how
// often the command was handled, and when, is the caller's to say.
func NewDeadLetter(cmd *Command, err error) *DeadLetter {
	letter := &DeadLetter{ID: letterID(cmd), Command: cmd, Err: err, Causes: causes(nil, err)}
	if h, ok := errors.AsType[*HandlerError](err); ok {
		letter.Handler = h.Handler
	}
	if p, ok := errors.AsType[*PanicError](err); ok {
		letter.Stack = string(p.Stack)
	}
	return letter
}

// letterID is the command's id. What could not be read gets one that is the same whenever it is read again.
func letterID(cmd *Command) ID {
	if cmd.Defect == nil && !cmd.ID.IsZero() {
		return cmd.ID
	}
	text, ok := cmd.Data.(Raw)
	if !ok {
		text = fmt.Appendf(nil, "%+v", cmd.Data)
	}
	return NameID("dead letter", string(text))
}

// causes lists an error and everything that it wraps.
func causes(list []string, err error) []string {
	if err == nil || len(list) >= mostCauses {
		return list
	}
	list = append(list, fmt.Sprintf("%T: %s", err, err))
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return causes(list, e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, wrapped := range e.Unwrap() {
			list = causes(list, wrapped)
		}
	}
	return list
}

// A DeadLetterStore is a Store that keeps dead letters beside the events. An Append with a Letter brings one in, in the
// same commit as the events of other commands. These rules hold at every commit:
//
//   - A command id is stored, or a letter, not both: an append that stores the events or the rejection of a command, or
//     finds them stored, removes the letter with its id. A letter whose append had no CommandID is kept even so: what could
//     not be read may bear any id.
//   - Letters are read in the sequence in which they were first kept. One that is kept again stays in its place, with all
//     that is new about it. Nothing moves when one fails again that others wait for: it is Parked, whatever the policy is
//     now. One that comes again only to wait keeps what is known of its failure ([DeadLetter.Again]).
//   - A letter's id belongs to one aggregate. A letter with that id for another one is refused with ErrReused.
type DeadLetterStore interface {
	Store
	// DeadLetters reads the letters with a number above after, in number sequence: those that are there when the iteration
	// starts. One that goes meanwhile may be missing, and one that changes may be read either way.
	DeadLetters(ctx context.Context, after uint64) iter.Seq2[DeadLetter, error]
	// DeadLetter finds a letter by its id. False: there is none.
	DeadLetter(ctx context.Context, id ID) (letter DeadLetter, found bool, err error)
	// CountDeadLetters tells how many letters there are, and how many aggregates are parked. It answers from memory.
	CountDeadLetters() (letters, parked int)
	// ParkedBehind gives the letter that the later commands of an aggregate wait for: the first of those that are Parked or
	// Waiting. False: the aggregate is not parked. It answers from memory, and a pipeline asks before each turn.
	ParkedBehind(aggregate string) (letter ID, parked bool)
	// DropDeadLetters removes letters and says how many there were. It blocks until that is durable. An error: nothing was
	// removed, or ErrUnknown.
	DropDeadLetters(ctx context.Context, ids ...ID) (int, error)
	// EditDeadLetter puts another command in the place of a letter's, which keeps its number and state. One that can be read
	// keeps its id and its aggregate; one that cannot gets those of the command ([DeadLetter.Edited]). It blocks until that
	// is durable. An error: nothing was changed, or ErrUnknown.
	EditDeadLetter(ctx context.Context, letter ID, command *Command) error
}
