package engine

import (
	"context"
	"fmt"
	"iter"
	"math"
)

// Version is the number of events in an aggregate's stream: 0 is the empty stream, the first event has version 1.
type Version uint64

// Position is the place of an event in the whole log: strictly increasing in commit sequence, not dense. Position 0
// stands before the first event. A reader that resumes after position p sees every event committed after it.
type Position uint64

// Expected is the version that an append demands of its aggregate. The zero value demands an empty stream, so that
// forgetting to set it can never overwrite a decision.
type Expected uint64

// Expected versions besides an exact number.
const (
	NoStream Expected = 0                  // the aggregate must have no event yet
	Any      Expected = math.MaxUint64     // whatever the version is
	Never    Expected = math.MaxUint64 - 1 // no version: the append only asks whether its command id is stored
)

// Exactly expects the version v.
func Exactly(v Version) Expected { return Expected(v) }

// Holds tells whether an aggregate at version v meets the expectation.
func (e Expected) Holds(v Version) bool { return e == Any || e != Never && uint64(e) == uint64(v) }

// String gives "any version", "no version" or the number.
func (e Expected) String() string {
	switch e {
	case Any:
		return "any version"
	case Never:
		return "no version"
	}
	return fmt.Sprintf("version %d", uint64(e))
}

// An Append asks a store to add the events of one command to one aggregate: all of them or none, contiguous.
type Append struct {
	Aggregate string
	Expected  Expected
	CommandID ID // the idempotency key; zero means none is kept
	// Digest stands for what the command says, so that its id cannot be used for another: a stored id that comes again
	// with another digest is refused with ErrReused. Zero means that it is not known, and is compared with nothing: a
	// pipeline leaves it zero when the store is no PayloadEncoder.
	Digest uint64
	// Events in sequence, at most MaxAppendEvents. Subject must be Aggregate; Version and Position are the store's.
	Events []Event
	// Rejection, when not empty, records that the command was refused and why. Events must then be empty. A rejection is
	// conditional on Expected as events are: no command is rejected on a stale state.
	Rejection string
	// Chained says that this append was decided on what the append before it in the call makes of their aggregate. Unless
	// that one is stored by this call, this one conflicts even when Expected holds: another writer may have filled just the
	// versions that are missing, and the state that this one was decided on never was. The first append of a call is
	// chained to nothing. A dead letter may also be chained to one that this call keeps: letters in a chain are kept in their
	// sequence or not at all.
	Chained bool
	// Letter, when not nil, is kept as a dead letter unless CommandID is stored. Expected must be Never and Events empty;
	// Aggregate and CommandID may be empty for a command that could not be read. Only for a DeadLetterStore.
	Letter *DeadLetter
}

// Result is what became of one Append. When Err is nil the fields describe the stored effect.
//
// Err is nil or matches one of these. ErrConflict (*ConflictError), ErrLimit, ErrReused (*ReusedError), ErrClosed or a
// context error: nothing stored. ErrUnknown: may be stored, look for the command id before answering. Anything else:
// nothing stored.
type Result struct {
	First, Last Version  // versions of the events; Last = First-1 when there are none
	Position    Position // of the last event; 0 when there are none
	Rejection   string   // why the command was refused, when it was
	Duplicate   bool     // the command id was stored before: this is the first result, nothing was added now
	Letter      uint64   // number of the dead letter that was kept; 0 when none was asked for, or when the id is stored
	Err         error
}

// Breaks tells whether events that are Chained to this one must conflict: this one was not stored now.
func (r Result) Breaks() bool { return r.Err != nil || r.Duplicate || r.Letter > 0 }

// Broken tells whether the append must conflict because of what came of the append before it in its call.
func (a *Append) Broken(before *Result) bool {
	return a.Chained && before.Breaks() && (a.Letter == nil || before.Letter == 0)
}

// Outcome is the outcome of a command whose append did not fail.
func (r Result) Outcome(id ID) Outcome {
	o := Outcome{
		CommandID: id, Status: Accepted, First: r.First, Last: r.Last, Position: r.Position, Repeated: r.Duplicate,
	}
	if r.Rejection != "" {
		o.Status, o.Reason = Rejected, r.Rejection
	}
	return o
}

// A Store is where events rest. All methods may be called from many goroutines at once.
//
// Rules every store keeps (sinks/storetest proves them):
//   - The appends of one call are applied in sequence, each atomic for itself, with one durability point for the call:
//     when Append returns, what it reports as stored is as durable as Capabilities says.
//   - Of a call that is answered by ErrUnknown, what is stored of each aggregate is a beginning of what the call had for it.
//   - The command id is looked at before the expected version: an id that is stored answers with its first result, as a
//     Duplicate, whatever the version is now.
//   - Linearizable per aggregate: of concurrent appends with the same expected version one succeeds.
//   - Load and Read see every append that was acknowledged before they were called, and never half an append.
type Store interface {
	// Append stores a batch and returns one Result for each Append, in the same sequence. It blocks until the batch is
	// durable. A context that is done before the effect stores nothing. Until Append returns nobody else may touch the
	// batch; afterwards the store keeps the payloads of the events and no part of the batch itself, which the caller may
	// use again.
	Append(ctx context.Context, batch []Append) []Result
	// Load reads the stream of one aggregate from a version on (inclusive; 0 and 1 are both the beginning), in version
	// sequence. An unknown aggregate is an empty stream, no error. Breaking off early releases everything.
	Load(ctx context.Context, aggregate string, from Version) iter.Seq2[Event, error]
	// Read reads the whole log after a position (exclusive), in position sequence, to the end as it is now.
	Read(ctx context.Context, after Position) iter.Seq2[Event, error]
	// End gives the position of the last event in the log, 0 for an empty one: where a reader starts that wants only what
	// is appended from now on.
	End(ctx context.Context) (Position, error)
	// Wait blocks until the log has an event after the position, the context is done, or the store is closed
	// (ErrClosed).
	Wait(ctx context.Context, after Position) error
	// Capabilities says what this store promises.
	Capabilities() Capabilities
	// Close ends the store: running calls finish, later ones answer ErrClosed. Closing twice is harmless.
	Close() error
}

// Capabilities are a store's declared properties; reports show them.
type Capabilities struct {
	Name    string   // of the kind of store: "memory", "sqlite"
	Durable bool     // an acknowledged append survives kill -9 and power loss
	Instant bool     // an append waits for nothing, so that there is no point in gathering those of many callers
	Relaxed []string // durability modes in force that were asked for by name; empty when none
}

// A PayloadEncoder is a Store that keeps payloads as bytes. A pipeline that finds this method calls it from many
// goroutines at once, so that encoding runs in parallel instead of in the store's one writer.
type PayloadEncoder interface {
	// EncodePayloads replaces the payload of each event by Raw. An error stores nothing.
	EncodePayloads(events []Event) error
}

// Follow reads the log after a position and then goes on with what is appended, until the context is done or the store
// is closed; it yields at most one error, as its last element, and none when the context ends it. The log itself is the
// buffer: a slow reader holds up nobody and misses nothing.
func Follow(ctx context.Context, store Store, after Position) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			for event, err := range store.Read(ctx, after) {
				if err != nil {
					if ctx.Err() == nil {
						yield(Event{}, err)
					}
					return
				}
				if !yield(event, nil) {
					return
				}
				after = event.Position
			}
			if err := store.Wait(ctx, after); err != nil {
				if ctx.Err() == nil {
					yield(Event{}, err)
				}
				return
			}
		}
	}
}

// CheckAppend returns the error with which every store refuses an append that is out of bounds. It counts the bytes
// of the rejection and of payloads that are Raw, and of no others.
func CheckAppend(a *Append) error { return a.CheckAfter(nil) }

// CheckAfter is CheckAppend for one that comes after another that passed, if there is one: what both have in common is not
// looked at again.
func (a *Append) CheckAfter(passed *Append) error {
	if a.Letter != nil {
		return checkLetter(a)
	}
	if passed != nil && passed.Letter != nil {
		passed = nil // its names are not those of an append
	}
	var before *Message // the last one that passed
	if passed == nil || passed.Aggregate != a.Aggregate {
		if err := CheckName("aggregate id", a.Aggregate); err != nil {
			return err
		}
	}
	if passed != nil && len(passed.Events) > 0 {
		before = &passed.Events[len(passed.Events)-1].Message
	}
	if a.Rejection != "" && len(a.Events) > 0 {
		return &LimitError{What: "append", Why: "holds both a rejection and events"}
	}
	if len(a.Events) > MaxAppendEvents {
		return &LimitError{What: "append", Why: tooMany(len(a.Events), MaxAppendEvents, "events")}
	}
	size := len(a.Rejection)
	for i := range a.Events {
		e := &a.Events[i]
		if err := e.check(before); err != nil {
			return err
		}
		before = &e.Message
		if e.Subject != a.Aggregate {
			return &LimitError{What: "event subject", Why: fmt.Sprintf("%q is not the aggregate %q", e.Subject, a.Aggregate)}
		}
		if raw, ok := e.Data.(Raw); ok {
			size += len(raw)
		}
	}
	if size > MaxAppendBytes {
		return &LimitError{What: "append", Why: tooMany(size, MaxAppendBytes, "payload bytes")}
	}
	return nil
}

// checkLetter is CheckAppend for an append that brings a dead letter.
func checkLetter(a *Append) error {
	switch {
	case a.Expected != Never || len(a.Events) > 0 || a.Rejection != "":
		return &LimitError{What: "append", Why: "holds a dead letter and something else"}
	case a.Letter.ID.IsZero() || a.Letter.Command == nil:
		return &LimitError{What: "dead letter", Why: "has no id or no command: make it with NewDeadLetter"}
	case a.Letter.State > Waiting:
		return &LimitError{What: "dead letter", Why: "has a state that is none: " + a.Letter.State.String()}
	case a.Letter.State != Skipped:
		return CheckName("aggregate id of a dead letter that others wait for", a.Aggregate)
	}
	return nil
}
