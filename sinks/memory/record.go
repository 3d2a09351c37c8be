package memory

import (
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// record is one stored event without what it shares with others: its stream knows the subject, its kind the attributes
// that repeat, and its position is its place in the log. That makes 120 bytes of the 208 that an Event has.
type record struct {
	id, correlation, causation engine.ID
	stream                     *stream
	version                    engine.Version
	kind                       *kind
	time                       time.Time
	data                       any
	rare                       *rare // nil for nearly every event
}

// kind holds the attributes that are the same for most events of a type.
type kind struct{ typ, source, contentType, schema string }

// rare holds the attributes that few events have.
type rare struct {
	traceParent string
	metadata    map[string]string
}

// event is the record as it was appended.
func (r *record) event(at engine.Position) engine.Event {
	e := engine.Event{
		Message: engine.Message{
			ID: r.id, Type: r.kind.typ, Source: r.kind.source, Subject: r.stream.name, Time: r.time, Data: r.data,
			ContentType: r.kind.contentType, Schema: r.kind.schema, CorrelationID: r.correlation, CausationID: r.causation,
		},
		Version: r.version, Position: at,
	}
	if r.rare != nil {
		e.TraceParent, e.Metadata = r.rare.traceParent, r.rare.metadata
	}
	return e
}

// kinds keeps each kind once.
type kinds struct {
	known map[kind]*kind
	last  [16]*kind // those seen last, by the length of the type: found without the map
}

// of gives the kind of a message.
func (k *kinds) of(m *engine.Message) *kind {
	last := &k.last[len(m.Type)%len(k.last)]
	want := kind{m.Type, m.Source, m.ContentType, m.Schema}
	if *last != nil && **last == want {
		return *last
	}
	found := k.known[want]
	if found == nil {
		found = &kind{m.Type, m.Source, m.ContentType, m.Schema}
		k.known[*found] = found
	}
	*last = found
	return found
}
