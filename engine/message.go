package engine

import "time"

// Message is the envelope that everything travels in, shaped as CloudEvents 1.0. It is immutable once made: whoever
// holds one may read it from any goroutine and nobody may change it.
type Message struct {
	ID            ID                // names this message; for a command it is the key of idempotency (G6)
	Type          string            // stable wire name of the payload, as in "order.created"
	Source        string            // who made it; events carry the source of their command
	Subject       string            // the aggregate id
	Time          time.Time         // when it was made, UTC
	Data          any               // payload: a Go struct, or Raw while it is encoded
	ContentType   string            // of the encoded payload; empty means application/json
	Schema        string            // version of the payload's schema; empty means the first
	CorrelationID ID                // id of the command that started the whole conversation
	CausationID   ID                // id of the message that directly caused this one; zero for a first command
	TraceParent   string            // W3C trace context
	Metadata      map[string]string // further CloudEvents attributes; nil when there are none; events do not inherit them
}

// Raw is an encoded payload. A Message whose Data is Raw has not been decoded.
type Raw []byte

// A Command is a Message that asks. It leaves the pipeline as exactly one [Outcome].
type Command struct {
	Message
	// Origin says where the command was read, as in "orders.jsonl:17", for reports; it is not stored.
	Origin string
	// Defect is why the source could not read this command. Such a command is dead-lettered, never handled; Data then
	// holds what was read, whole, as Raw.
	Defect error
	// Settled, when not nil, is called once with the outcome: how a source acknowledges. It must not block. Commands of
	// different aggregates may be settled at the same time.
	Settled func(Outcome)
}

// NewCommand makes a command for the aggregate subject. Its type is found in the registry by the Go type of data.
func NewCommand(subject string, data any) *Command {
	now := time.Now()
	cmd := new(Command)
	high, low := freshHalves(now)
	cmd.ID.set(high, low)
	cmd.CorrelationID.set(high, low)
	cmd.Source, cmd.Subject, cmd.Time, cmd.Data = "orchestrix", subject, now.UTC(), data
	return cmd
}

// AsCommand gives a stream element as a command. An element that is not a command becomes one with a Defect, so that a
// foreign stream can never break the belt.
func AsCommand(element any) *Command {
	switch e := element.(type) {
	case *Command:
		if e != nil {
			return e
		}
		element = nil // a nil pointer holds nothing that a dead letter could show
	case Command:
		return &e
	}
	return &Command{Message: Message{Data: element}, Defect: &PayloadError{Want: "*engine.Command", Got: element}}
}

// An Event is a Message that states what happened. Version and Position are given by the store.
type Event struct {
	Message
	Version  Version  // place in the stream of its aggregate, from 1
	Position Position // place in the whole log
}

// state makes e, which is empty, the event that cmd caused with this payload. Correlation and causation are always the
// engine's.
func (e *Event) state(cmd *Command, typ string, data any, now time.Time) {
	e.ID.set(freshHalves(now))
	e.Type, e.Source, e.Subject, e.Time, e.Data = typ, cmd.Source, cmd.Subject, now.UTC(), data
	e.CorrelationID, e.CausationID, e.TraceParent = cmd.CorrelationID, cmd.ID, cmd.TraceParent
	if e.CorrelationID.IsZero() {
		e.CorrelationID = cmd.ID
	}
}
