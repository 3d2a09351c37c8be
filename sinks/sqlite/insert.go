package sqlite

import (
	"encoding/binary"
	"strings"

	"github.com/orchestrix-go/orchestrix/engine"
)

// eventsAtOnce is how many events one statement inserts. To start and end a statement costs about as much as a row.
const eventsAtOnce = 16

// insertEventSQL adds so many events. The numbers of a row's parameters are those that bindEvent uses.
func insertEventSQL(rows int) string {
	row := "(" + strings.Repeat("?,", eventParameters-1) + "?)"
	return "INSERT INTO events (" + eventColumns + ") VALUES " + strings.Repeat(row+",", rows-1) + row
}

const eventParameters = 9

// eventWriter inserts events, many at once. Until flush an event is the caller's, and not in the table.
type eventWriter struct {
	one, many *binder
	rows      []eventRow
}

type eventRow struct {
	message *engine.Message
	at      place
	kind    int64
}

func (w *eventWriter) add(m *engine.Message, at *place, kind int64) {
	w.rows = append(w.rows, eventRow{m, *at, kind})
}

func (w *eventWriter) full() bool { return len(w.rows) >= eventsAtOnce }

// flush inserts what was added.
func (w *eventWriter) flush() error {
	for rows := w.rows; len(rows) > 0; {
		b, n := w.one, 1
		if len(rows) >= eventsAtOnce {
			b, n = w.many, eventsAtOnce
		}
		for i := range rows[:n] {
			b.base = i * eventParameters
			bindEvent(b, rows[i].message, &rows[i].at, rows[i].kind)
		}
		if err := b.exec(); err != nil {
			return err
		}
		rows = rows[n:]
	}
	w.forget()
	return nil
}

// forget drops what was added and not inserted.
func (w *eventWriter) forget() {
	clear(w.rows)
	w.rows = w.rows[:0]
}

// bindEvent binds all columns of an event.
func bindEvent(b *binder, m *engine.Message, at *place, kind int64) {
	metadata := b.metadata(m.Metadata)
	b.envelope = appendEnvelope(b.envelope[:0], m, at, b.sum.event(m, at, metadata))
	b.number(1, int64(at.position))
	b.text(2, at.aggregate)
	b.number(3, int64(at.version))
	b.number(4, kind)
	b.time(5, m.Time)
	b.bytes(6, b.envelope)
	b.optional(7, m.TraceParent)
	b.optional(8, metadata)
	b.payload(9, m)
}

// envelopeBytes is the size of an envelope without the id of a command.
const envelopeBytes = 70

// appendEnvelope appends what nobody asks SQLite for as one value, which is faster than eight: three ids, the position of
// the version before, the digest and the number of events of the command that ends here, the checksum. The id of that
// command follows, unless it is the causation.
func appendEnvelope(to []byte, m *engine.Message, at *place, sum uint32) []byte {
	to = append(append(append(to, m.ID[:]...), m.CorrelationID[:]...), m.CausationID[:]...)
	to = binary.BigEndian.AppendUint64(to, uint64(at.previous))
	to = binary.BigEndian.AppendUint64(to, at.digest)
	to = binary.BigEndian.AppendUint16(to, uint16(at.size)) // at most engine.MaxAppendEvents
	to = binary.BigEndian.AppendUint32(to, sum)
	if at.size > 0 && at.command != m.CausationID {
		to = append(to, at.command[:]...)
	}
	return to
}
