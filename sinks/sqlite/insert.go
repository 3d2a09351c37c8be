package sqlite

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/orchestrix-go/orchestrix/engine"
)

// segmentBytes is how long the columns events and data of a segment are together, unless a single event is longer: the row
// then fills a page of SQLite and needs no second one. Larger rows would not be written much faster, and a stream whose
// events lie far apart would be loaded more slowly.
const segmentBytes = 4030

const insertSegmentSQL = "INSERT INTO segments (" + segmentColumns + ") VALUES (?,?,?,?,?)"

// segmentWriter puts events into segments. Until flush, those of the last segment are not in the table.
type segmentWriter struct {
	insert *binder

	first, last engine.Position
	base        int64 // what times are counted from
	text, data  []byte
}

// add puts an event behind the one before, or into the next segment when there is no room left in this one.
func (w *segmentWriter) add(m *engine.Message, at *place, kind int64) error {
	if len(w.text) > 0 {
		if fits, err := w.squeeze(m, at, kind); fits || err != nil {
			return err
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.first, w.base = at.position, 0
	if fitsNanoseconds(m.Time) {
		w.base = m.Time.UnixNano()
	}
	return w.put("[", m, at, kind)
}

// squeeze puts an event into the segment that has some, and takes it out again when that is too long then: how long the
// text of an event is, is not known before. A payload that alone is too long is not copied for that.
func (w *segmentWriter) squeeze(m *engine.Message, at *place, kind int64) (fits bool, err error) {
	text, data, last := len(w.text), len(w.data), w.last
	if text+data+dataSize(m) >= segmentBytes {
		return false, nil
	}
	if err = w.put(",\n", m, at, kind); err != nil {
		return false, err
	}
	if len(w.text)+len("]")+len(w.data) > segmentBytes {
		w.text, w.data, w.last = w.text[:text], w.data[:data], last
		return false, nil
	}
	return true, nil
}

// put appends an event behind what leads to it: the begin of the array, or the comma after the event before.
func (w *segmentWriter) put(lead string, m *engine.Message, at *place, kind int64) (err error) {
	w.text, w.last = append(w.text, lead...), at.position
	begin := len(w.text)
	if w.text, err = appendMore(w.appendText(w.text, m, at, kind), m, at); err != nil {
		return err
	}
	w.data = w.appendData(w.data, w.text[begin:], m, at)
	return nil
}

// flush inserts what was added.
func (w *segmentWriter) flush() error {
	if len(w.text) == 0 {
		return nil
	}
	w.text = append(w.text, ']')
	b := w.insert
	b.number(1, int64(w.last))
	b.number(2, int64(w.first))
	b.number(3, w.base)
	b.json(4, w.text)
	b.bytes(5, w.data)
	w.forget()
	return b.exec()
}

// forget drops what was added and not inserted. Room for a very large event is not kept.
func (w *segmentWriter) forget() {
	if cap(w.data) > 16*segmentBytes {
		w.data = nil
	}
	w.text, w.data = w.text[:0], w.data[:0]
}

// dataBytes is what the column data has of each event before its payload.
const dataBytes = 4 + 16 + 16 + 8

// appendData appends the checksum, the ids of the event and of its cause, the digest of the command that ends here, and the
// payload. Numbers have their most significant byte first. Text is what appendText and appendMore have appended.
func (w *segmentWriter) appendData(to, text []byte, m *engine.Message, at *place) []byte {
	begin := len(to)
	to = append(append(append(to, 0, 0, 0, 0), m.ID[:]...), m.CausationID[:]...)
	to = binary.BigEndian.AppendUint64(to, at.digest)
	raw, _ := m.Data.(engine.Raw)
	to = append(to, raw...)
	binary.BigEndian.PutUint32(to[begin:], w.insert.sum.event(at.position, w.base, text, to[begin+4:]))
	return to
}

// appendText appends what the column events has of an event: an array without its end, of the aggregate, the version, the
// number of the kind, the time, the position of the version before, the number of events of the command that ends here,
// where the event begins in the column data and how long its payload is, and the correlation unless it is the cause.
func (w *segmentWriter) appendText(to []byte, m *engine.Message, at *place, kind int64) []byte {
	to = appendQuoted(append(to, '['), at.aggregate)
	to = strconv.AppendUint(append(to, ','), uint64(at.version), 10)
	to = strconv.AppendInt(append(to, ','), kind, 10)
	to = appendTime(append(to, ','), m.Time, w.base)
	to = strconv.AppendUint(append(to, ','), uint64(at.previous), 10)
	to = strconv.AppendInt(append(to, ','), int64(at.size), 10)
	to = strconv.AppendInt(append(to, ','), int64(len(w.data)), 10)
	to = strconv.AppendInt(append(to, ','), int64(dataSize(m)), 10)
	if m.CorrelationID != m.CausationID {
		to = append(hex.AppendEncode(append(to, ',', '"'), m.CorrelationID[:]), '"')
	}
	return to
}

// appendQuoted appends a JSON string. Names have no control characters, see engine.CheckName.
func appendQuoted(to []byte, name string) []byte {
	to = append(to, '"')
	for at := strings.IndexAny(name, `"\`); at >= 0; at = strings.IndexAny(name, `"\`) {
		to = append(append(to, name[:at]...), '\\', name[at])
		name = name[at+1:]
	}
	return append(append(to, name...), '"')
}

// appendTime appends nanoseconds since the base. The zero time is null, and one too far away for 64 bits is RFC 3339 text.
func appendTime(to []byte, t time.Time, base int64) []byte {
	if t.IsZero() {
		return append(to, "null"...)
	}
	if fitsNanoseconds(t) {
		n := t.UnixNano()
		if d := n - base; (d > 0) == (n > base) {
			return strconv.AppendInt(to, d, 10)
		}
	}
	to = t.UTC().AppendFormat(append(to, '"'), time.RFC3339Nano)
	return append(to, '"')
}

// fitsNanoseconds tells whether a time is within the years that 64 bits of nanoseconds hold, 1678 to 2262.
func fitsNanoseconds(t time.Time) bool {
	const second = int64(time.Second)
	seconds := t.Unix()
	return seconds > math.MinInt64/second && seconds < math.MaxInt64/second
}

// more is what most events do not have.
type more struct {
	NoData      bool              `json:"no_data,omitzero"`
	Command     string            `json:"command,omitzero"` // whose last event this is, when it is not the cause
	TraceParent string            `json:"trace_parent,omitzero"`
	Metadata    map[string]string `json:"metadata,omitempty"`
}

// appendMore appends it as a JSON object, when there is any, and ends the array.
func appendMore(to []byte, m *engine.Message, at *place) ([]byte, error) {
	_, has := m.Data.(engine.Raw)
	foreign := at.size > 0 && at.command != m.CausationID
	if has && !foreign && m.TraceParent == "" && len(m.Metadata) == 0 {
		return append(to, ']'), nil
	}
	of := more{NoData: !has, TraceParent: m.TraceParent, Metadata: m.Metadata}
	if foreign {
		of.Command = hex.EncodeToString(at.command[:])
	}
	encoded, err := json.Marshal(&of, json.Deterministic(true))
	return append(append(append(to, ','), encoded...), ']'), err
}
