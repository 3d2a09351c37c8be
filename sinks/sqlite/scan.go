package sqlite

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// The columns of an event, in the sequence in which they are bound (from 1) and scanned (from 0).
const eventColumns = "position, aggregate, version, id, type, source, time, content_type, schema, correlation_id, " +
	"causation_id, trace_parent, metadata, data, checksum"

// insertEventSQL adds one event. The numbers of its parameters are those that bindEvent uses.
const insertEventSQL = "INSERT INTO events (" + eventColumns + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"

// bindEvent binds all columns of an event.
func bindEvent(b *binder, m *engine.Message, at place) {
	b.number(1, int64(at.position))
	b.text(2, at.aggregate)
	b.number(3, int64(at.version))
	b.bytes(4, m.ID[:])
	b.text(5, m.Type)
	b.text(6, m.Source)
	b.time(7, m.Time)
	b.optional(8, m.ContentType)
	b.optional(9, m.Schema)
	b.id(10, m.CorrelationID)
	b.id(11, m.CausationID)
	b.optional(12, m.TraceParent)
	metadata := b.metadata(m.Metadata)
	b.optional(13, metadata)
	b.payload(14, m)
	b.number(15, int64(b.sum.event(m, at, metadata)))
}

// scanner reads rows of events. It keeps the strings that come again in most rows, so that a page of events does not
// hold hundreds of copies of one type.
type scanner struct {
	names map[string]string
	row   *sqlite3.Stmt
	sum   summer
	err   error
}

// keptNames bounds the strings that a scanner keeps; beyond, it starts anew.
const keptNames = 1024

// event reads the row that the statement stands on, from a column on, and makes sure that it is whole. The payload stays
// Raw. Size is about the bytes that the event holds.
func (s *scanner) event(row *sqlite3.Stmt, column int) (e engine.Event, size int, err error) {
	s.row, s.err = row, nil
	e.Position = engine.Position(row.ColumnInt64(column))
	e.Subject = s.name(column + 1)
	e.Version = engine.Version(row.ColumnInt64(column + 2))
	e.ID = s.id(column + 3)
	e.Type = s.name(column + 4)
	e.Source = s.name(column + 5)
	e.Time = s.time(column + 6)
	e.ContentType = s.name(column + 7)
	e.Schema = s.name(column + 8)
	e.CorrelationID = s.id(column + 9)
	e.CausationID = s.id(column + 10)
	e.TraceParent = row.ColumnText(column + 11)
	metadata := row.ColumnText(column + 12)
	if row.ColumnType(column+13) != sqlite3.NULL {
		raw := append(engine.Raw{}, row.ColumnRawBlob(column+13)...)
		e.Data, size = raw, len(raw)
	}
	at := place{aggregate: e.Subject, version: e.Version, position: e.Position}
	if sum := s.sum.event(&e.Message, at, metadata); s.err == nil && row.ColumnInt64(column+14) != int64(sum) {
		s.err = corrupt("wrong checksum")
	}
	e.Metadata = s.metadata(metadata)
	if err := row.Err(); err != nil {
		s.err = err
	}
	if s.err != nil {
		return e, 0, fmt.Errorf("table events, position %d: %w", e.Position, s.err)
	}
	return e, size + 256, nil // 256: about the envelope
}

// name reads a string that is likely to come again.
func (s *scanner) name(column int) string {
	raw := s.row.ColumnRawText(column)
	if len(raw) == 0 {
		return ""
	}
	if known, ok := s.names[string(raw)]; ok {
		return known
	}
	if s.names == nil || len(s.names) >= keptNames {
		s.names = make(map[string]string)
	}
	name := string(raw)
	s.names[name] = name
	return name
}

// id reads an id; NULL is the zero id.
func (s *scanner) id(column int) (id engine.ID) {
	raw := s.row.ColumnRawBlob(column)
	if copy(id[:], raw) != len(raw) || len(raw) != 0 && len(raw) != len(id) {
		s.err = corrupt("an id has %d bytes", len(raw))
	}
	return id
}

// time reads what binder.time wrote.
func (s *scanner) time(column int) time.Time {
	switch s.row.ColumnType(column) {
	case sqlite3.NULL:
		return time.Time{}
	case sqlite3.INTEGER:
		return time.Unix(0, s.row.ColumnInt64(column)).UTC()
	}
	t, err := time.Parse(time.RFC3339Nano, s.row.ColumnText(column))
	if err != nil {
		s.err = corrupt("time: %v", err)
	}
	return t.UTC()
}

// metadata reads a JSON object of strings; an empty text is no metadata.
func (s *scanner) metadata(text string) (m map[string]string) {
	if text == "" || s.err != nil {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		s.err = corrupt("metadata: %v", err)
	}
	return m
}
