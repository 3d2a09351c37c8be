package sqlite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// The columns of an event, in the sequence in which they are bound (from 1) and scanned (from 0).
const eventColumns = "position, aggregate, version, kind, time, envelope, trace_parent, metadata, data"

// scanner reads rows of events. It keeps the strings that come again in most rows, so that a page of events does not
// hold hundreds of copies of one type.
type scanner struct {
	kinds kindReader
	names map[string]string
	row   *sqlite3.Stmt
	at    place // of the event that was read last
	sum   summer
	err   error

	shared []byte // see payload
}

// sharedBytes is the piece of memory that small payloads share: whoever keeps one of them keeps so much at most.
const sharedBytes = 8 << 10

// eventBytes is about what an event holds besides its payload.
const eventBytes = 256

// keptNames bounds the strings that a scanner keeps; beyond, it starts anew.
const keptNames = 1024

// event reads the row that the statement stands on into an event that is zero, and makes sure that it is whole. The payload
// stays Raw. Size is about the bytes that the event holds.
func (s *scanner) event(row *sqlite3.Stmt, e *engine.Event) (size int, err error) {
	s.row, s.err = row, nil
	e.Position = engine.Position(row.ColumnInt64(0))
	e.Subject = s.name(1)
	e.Version = engine.Version(row.ColumnInt64(2))
	kind, err := s.kinds.get(row.ColumnInt64(3))
	if err != nil {
		s.err = err
	}
	e.Type, e.Source, e.ContentType, e.Schema = kind.typ, kind.source, kind.contentType, kind.schema
	e.Time = s.time(4)
	s.at = place{aggregate: e.Subject, version: e.Version, position: e.Position}
	sum := s.envelope(5, &e.Message)
	e.TraceParent = s.optional(6)
	metadata := s.optional(7)
	if raw := row.ColumnRawBlob(8); raw != nil || row.ColumnType(8) != sqlite3.NULL {
		e.Data, size = s.payload(raw), len(raw)
	}
	if s.err == nil && sum != s.sum.event(&e.Message, &s.at, metadata) {
		s.err = corrupt("wrong checksum")
	}
	e.Metadata = s.metadata(metadata)
	if err := row.Err(); err != nil {
		s.err = err
	}
	if s.err != nil {
		return 0, fmt.Errorf("table events, position %d: %w", e.Position, s.err)
	}
	return size + eventBytes, nil
}

// payload copies what belongs to SQLite. Small payloads of neighbours share one piece of memory.
func (s *scanner) payload(raw []byte) engine.Raw {
	if len(raw) > sharedBytes/8 {
		return engine.Raw(bytes.Clone(raw))
	}
	if s.shared == nil || cap(s.shared)-len(s.shared) < len(raw) { // an empty payload is not nil
		s.shared = make([]byte, 0, sharedBytes)
	}
	start := len(s.shared)
	s.shared = append(s.shared, raw...)
	return engine.Raw(s.shared[start:len(s.shared):len(s.shared)])
}

// name reads a string that is likely to come again.
func (s *scanner) name(column int) string {
	raw := s.row.ColumnRawBlob(column) // as text SQLite would copy it
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

// optional reads a string that most rows do not have.
func (s *scanner) optional(column int) string {
	if s.row.ColumnType(column) == sqlite3.NULL {
		return ""
	}
	return string(s.row.ColumnRawBlob(column))
}

// envelope reads what appendEnvelope wrote, and gives the checksum in it.
func (s *scanner) envelope(column int, m *engine.Message) (sum uint32) {
	raw := s.row.ColumnRawBlob(column)
	if len(raw) != envelopeBytes && len(raw) != envelopeBytes+len(m.ID) {
		s.err = corrupt("its envelope has %d bytes", len(raw))
		return 0
	}
	copy(m.ID[:], raw)
	copy(m.CorrelationID[:], raw[16:])
	copy(m.CausationID[:], raw[32:])
	s.at.previous = engine.Position(binary.BigEndian.Uint64(raw[48:]))
	s.at.digest = binary.BigEndian.Uint64(raw[56:])
	if s.at.size = int(binary.BigEndian.Uint16(raw[64:])); s.at.size > 0 {
		s.at.command = m.CausationID
	}
	copy(s.at.command[:], raw[envelopeBytes:])
	return binary.BigEndian.Uint32(raw[66:])
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
