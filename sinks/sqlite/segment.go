package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// segment is a row of the table segments: events of one transaction that follow one another in the log.
type segment struct {
	first, last engine.Position
	base        int64 // what times are counted from
	text, data  []byte

	index int    // of the event that comes next in left
	left  text   // of text
	sum   summer // of the event that is read
	own   []byte // see keep
}

// The columns of a segment, in the sequence in which they are bound (from 1) and scanned (from 0).
const segmentColumns = "last, first, time, events, data"

// part is what a segment has of one event, not decoded yet. Its slices are parts of the segment.
type part struct {
	aggregate   []byte // with escapes
	version     uint64
	kind        int64
	time        []byte
	previous    uint64
	events      int    // of the command that ends here
	correlation []byte // hexadecimal; none when it is the cause
	more        []byte // a JSON object, or nothing
	data        []byte // see appendData
}

// size is how many bytes the slices have together.
func (p *part) size() int {
	return len(p.aggregate) + len(p.time) + len(p.correlation) + len(p.more) + len(p.data)
}

// load reads the row that the statement stands on. The segment is good until the statement goes on.
func (s *segment) load(row *sqlite3.Stmt) error {
	s.last, s.first = engine.Position(row.ColumnInt64(0)), engine.Position(row.ColumnInt64(1))
	s.base = row.ColumnInt64(2)
	s.text, s.data = row.ColumnRawBlob(3), row.ColumnRawBlob(4)
	s.rewind()
	if s.first < 1 || s.first > s.last {
		return errors.Join(row.Err(), corrupt("table segments, position %d: it begins with %d", s.last, s.first))
	}
	return row.Err()
}

// keep copies what belongs to SQLite, so that the segment stays good.
func (s *segment) keep() {
	if cap(s.own) > 16*segmentBytes { // room for a very large event is not kept
		s.own = nil
	}
	s.own = append(append(s.own[:0], s.text...), s.data...)
	s.text, s.data = s.own[:len(s.text)], s.own[len(s.text):]
	s.rewind()
}

// holds tells whether the event of a position is in the segment.
func (s *segment) holds(position engine.Position) bool {
	return s.first <= position && position <= s.last
}

// rewind goes back to the first event.
func (s *segment) rewind() {
	s.index, s.left = 0, text{rest: s.text}
	s.left.skip('[')
}

// part gives the part of an event that the segment holds, and makes sure that it is whole. It is fastest for one event
// after another.
func (s *segment) part(position engine.Position) (p part, err error) {
	wanted := int(position - s.first)
	if wanted < s.index {
		s.rewind()
	}
	t := &s.left
	for ; s.index < wanted && !t.bad; s.index++ {
		t.pass()
	}
	whole := t.rest
	begin, length := t.part(&p)
	whole = whole[:len(whole)-len(t.rest)]
	t.next()
	s.index++
	all := uint64(len(s.data))
	if t.bad || begin > all || length > all || begin+dataBytes+length > all || position == s.last && len(t.rest) > 0 {
		return p, corrupt("table segments, position %d: it cannot be read", position)
	}
	p.data = s.data[begin:][:dataBytes+length]
	if binary.BigEndian.Uint32(p.data) != s.sum.event(position, s.base, whole, p.data[4:]) {
		return p, corrupt("table segments, position %d: wrong checksum", position)
	}
	return p, nil
}

// text is JSON that appendText wrote, and that is read from its beginning. What is not as it would be written is bad.
type text struct {
	rest []byte
	bad  bool
}

// part takes what appendText wrote of an event, and gives where its data begin and how long its payload is.
func (t *text) part(p *part) (begin, length uint64) {
	t.skip('[')
	p.aggregate = t.quoted()
	t.skip(',')
	p.version = t.number()
	t.skip(',')
	p.kind = int64(t.number())
	t.skip(',')
	p.time = t.until(',')
	t.skip(',')
	p.previous = t.number()
	t.skip(',')
	p.events = int(t.number())
	t.skip(',')
	begin = t.number()
	t.skip(',')
	length = t.number()
	if t.has(`,"`) {
		t.skip(',')
		p.correlation = t.quoted()
	}
	if t.has(",{") {
		t.skip(',')
		p.more = t.object()
	}
	t.skip(']')
	return begin, length
}

// next takes what stands between events, or behind the last one.
func (t *text) next() {
	if t.has(",\n") {
		t.take(len(",\n"))
	} else {
		t.skip(']')
	}
}

// pass goes to the next event, which begins a line.
func (t *text) pass() {
	t.until('\n')
	t.skip('\n')
}

// has tells whether the text goes on so.
func (t *text) has(what string) bool {
	return len(t.rest) >= len(what) && string(t.rest[:len(what)]) == what
}

// skip takes a byte that must come.
func (t *text) skip(c byte) {
	if len(t.rest) == 0 || t.rest[0] != c {
		t.bad, t.rest = true, nil
		return
	}
	t.rest = t.rest[1:]
}

// take takes so many bytes, or is bad when there are fewer.
func (t *text) take(n int) []byte {
	if n < 0 || n > len(t.rest) {
		t.bad, t.rest = true, nil
		return nil
	}
	taken := t.rest[:n]
	t.rest = t.rest[n:]
	return taken
}

// number takes a number without a sign.
func (t *text) number() (n uint64) {
	digits := 0
	for digits < len(t.rest) && digits < 20 && '0' <= t.rest[digits] && t.rest[digits] <= '9' {
		n = n*10 + uint64(t.rest[digits]-'0')
		digits++
	}
	t.rest, t.bad = t.rest[digits:], t.bad || digits == 0
	return n
}

// until takes everything up to a byte.
func (t *text) until(c byte) []byte { return t.take(bytes.IndexByte(t.rest, c)) }

// quoted takes a string and gives it without its quotes, but with its escapes.
func (t *text) quoted() []byte {
	t.skip('"')
	end := 0
	for end < len(t.rest) && t.rest[end] != '"' {
		if t.rest[end] == '\\' {
			end++
		}
		end++
	}
	taken := t.take(end)
	t.skip('"')
	return taken
}

// object takes what is left of an event, but its bracket and what stands behind that.
func (t *text) object() []byte {
	line := bytes.IndexByte(t.rest, '\n')
	if line < 0 {
		line = len(t.rest)
	}
	return t.take(line - len("],"))
}
