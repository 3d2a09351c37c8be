package sqlite

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/orchestrix-go/orchestrix/engine"
)

// scanner makes events of the parts of segments. It keeps the strings that come again in most events, so that a page of
// them does not hold hundreds of copies of one type.
type scanner struct {
	kinds kindReader
	names map[string]string
	at    place // of the event that was read last

	shared []byte // see payload
}

// sharedBytes is the piece of memory that small payloads share: whoever keeps one of them keeps so much at most.
const sharedBytes = 8 << 10

// eventBytes is about what an event holds besides its payload.
const eventBytes = 256

// keptNames bounds the strings that a scanner keeps; beyond, it starts anew.
const keptNames = 1024

// event makes an event, which is zero, of its part of a segment. The payload stays Raw. Size is about the bytes that the
// event holds.
func (s *scanner) event(from *segment, position engine.Position, e *engine.Event) (size int, err error) {
	p, err := from.part(position)
	if err != nil {
		return 0, err
	}
	return s.decode(&p, from.base, position, e)
}

// decode makes an event of a part that is whole.
func (s *scanner) decode(p *part, base int64, position engine.Position, e *engine.Event) (size int, err error) {
	kind, err := s.kinds.get(p.kind)
	if err != nil {
		return 0, err
	}
	e.Type, e.Source, e.ContentType, e.Schema = kind.typ, kind.source, kind.contentType, kind.schema
	e.Subject, e.Version, e.Position = s.name(p.aggregate), engine.Version(p.version), position
	copy(e.ID[:], p.data[4:])
	copy(e.CausationID[:], p.data[20:])
	e.CorrelationID = e.CausationID
	s.at = place{
		aggregate: e.Subject, version: e.Version, position: position, previous: engine.Position(p.previous),
		size: p.events, digest: binary.BigEndian.Uint64(p.data[36:]),
	}
	if p.events > 0 {
		s.at.command = e.CausationID
	}
	e.Data = s.payload(p.data[dataBytes:])
	if e.Time, err = parseTime(p.time, base); err == nil && p.correlation != nil {
		err = parseID(p.correlation, &e.CorrelationID)
	}
	if err == nil && p.more != nil {
		err = s.more(p.more, &e.Message)
	}
	if err != nil {
		return 0, corrupt("table segments, position %d: %v", position, err)
	}
	return len(p.data) + eventBytes, nil
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

// name gives a string that is likely to come again, without its escapes.
func (s *scanner) name(quoted []byte) string {
	if known, ok := s.names[string(quoted)]; ok {
		return known
	}
	if s.names == nil || len(s.names) >= keptNames {
		s.names = make(map[string]string)
	}
	name := make([]byte, 0, len(quoted))
	for i := 0; i < len(quoted); i++ {
		if quoted[i] == '\\' {
			i++ // what follows on it stands for itself
		}
		name = append(name, quoted[i])
	}
	s.names[string(quoted)] = string(name)
	return s.names[string(quoted)]
}

// more reads what most events do not have.
func (s *scanner) more(encoded []byte, m *engine.Message) error {
	var of more
	err := json.Unmarshal(encoded, &of)
	if err == nil && of.Command != "" {
		err = parseID([]byte(of.Command), &s.at.command)
	}
	m.TraceParent, m.Metadata = of.TraceParent, of.Metadata
	if of.NoData {
		m.Data = nil
	}
	return err
}

// parseTime reads what appendTime wrote.
func parseTime(from []byte, base int64) (time.Time, error) {
	switch {
	case string(from) == "null":
		return time.Time{}, nil
	case len(from) > 1 && from[0] == '"':
		t, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(from))
		return t.UTC(), err
	}
	n, err := strconv.ParseInt(string(from), 10, 64)
	return time.Unix(0, base+n).UTC(), err
}

// parseID reads an id in hexadecimal digits.
func parseID(from []byte, id *engine.ID) error {
	if len(from) != 2*len(id) {
		return errors.New("an id has another length")
	}
	_, err := hex.Decode(id[:], from)
	return err
}
