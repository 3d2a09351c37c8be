package memory

import (
	"math"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// record is one stored event without what it shares with others: its stream knows the subject, its kind the attributes
// that repeat, its position is its place in the log, and it belongs to the conversation that its cause began. That makes
// 72 bytes of the 208 that an Event has.
type record struct {
	id, causation engine.ID
	data          any // the payload; an *odd when the kind is oddKind
	stream        *stream
	time          int64 // nanoseconds since 1970, UTC; noTime for the zero time
	facts         facts
}

// facts are three numbers in one: the version of the event (40 bits), how many more events follow that were appended with
// it (12 bits; known of the first only), and the number of its kind (12 bits).
type facts uint64

func newFacts(version engine.Version, more, kind int) facts {
	return facts(uint64(version)<<24 | uint64(more)<<12 | uint64(kind))
}

func (f facts) version() engine.Version { return engine.Version(f >> 24) }
func (f facts) more() int               { return int(f >> 12 & 0xfff) }
func (f facts) kind() int               { return int(f & 0xfff) }

const (
	oddKind  = 0     // of an event with more to it than a record holds
	mostKind = 0xfff // the highest number of a kind; whatever comes later is odd
	noTime   = math.MinInt64
)

const _ = uint(0xfff - (engine.MaxAppendEvents - 1)) // does not compile when more does not fit

// kind holds the attributes that are the same for most events of a type.
type kind struct{ typ, source, contentType, schema string }

// odd is the rest of an event that does not fit into a record.
type odd struct {
	data        any
	kind        kind
	correlation engine.ID
	time        time.Time
	traceParent string
	metadata    map[string]string
}

// fill writes an event into an empty record.
func (r *record) fill(m *engine.Message, target *stream, version engine.Version, kinds *kinds, l *log) {
	r.id, r.causation, r.data, r.stream = m.ID, m.CausationID, m.Data, target
	number := oddKind
	at, plain := nanoseconds(m.Time)
	if plain && m.CorrelationID == m.CausationID && m.TraceParent == "" && m.Metadata == nil {
		r.time, number = at, kinds.of(m, l)
	}
	if number == oddKind {
		r.data = &odd{
			m.Data, kind{m.Type, m.Source, m.ContentType, m.Schema}, m.CorrelationID, m.Time, m.TraceParent, m.Metadata,
		}
	}
	r.facts = newFacts(version, 0, number)
}

// event is the record as it was appended.
func (r *record) event(at engine.Position, kinds []*kind) engine.Event {
	e := engine.Event{
		Message: engine.Message{ID: r.id, Subject: r.stream.name, CausationID: r.causation},
		Version: r.facts.version(), Position: at,
	}
	var k *kind
	if number := r.facts.kind(); number != oddKind {
		k = kinds[number-1]
		e.Data, e.CorrelationID = r.data, r.causation
		if r.time != noTime {
			e.Time = time.Unix(0, r.time).UTC()
		}
	} else {
		o := r.data.(*odd)
		k = &o.kind
		e.Data, e.CorrelationID, e.Time, e.TraceParent, e.Metadata = o.data, o.correlation, o.time, o.traceParent, o.metadata
	}
	e.Type, e.Source, e.ContentType, e.Schema = k.typ, k.source, k.contentType, k.schema
	return e
}

// nanoseconds gives a time as a record holds it. False: it is none that comes back the same, but for the reading of the
// monotonic clock, which has no meaning in a store.
func nanoseconds(t time.Time) (at int64, ok bool) {
	const far = 9_000_000_000 // seconds; int64 holds nanoseconds up to some more
	if t.Location() != time.UTC {
		return 0, false
	}
	if sec := t.Unix(); sec > -far && sec < far {
		return t.UnixNano(), true
	}
	return noTime, t.IsZero()
}

// kinds keeps each kind once.
type kinds struct {
	known map[kind]int
	last  [16]known // those seen last, by the length of the type: found without the map
}

type known struct {
	kind
	number int
}

// of gives the number of a message's kind, or oddKind when there are too many.
func (k *kinds) of(m *engine.Message, l *log) int {
	last := &k.last[len(m.Type)%len(k.last)]
	if last.number == 0 || last.kind != (kind{m.Type, m.Source, m.ContentType, m.Schema}) {
		*last = k.enter(kind{m.Type, m.Source, m.ContentType, m.Schema}, l)
	}
	return last.number
}

func (k *kinds) enter(want kind, l *log) known {
	number := k.known[want]
	if number == 0 && len(l.kinds) < mostKind {
		l.kinds = append(l.kinds, &want)
		number = len(l.kinds)
		k.known[want] = number
	}
	return known{want, number}
}
