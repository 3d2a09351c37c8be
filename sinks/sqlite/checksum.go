package sqlite

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// castagnoli is CRC-32C: processors compute it, and it finds every damage that is no longer than four bytes.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// summer computes the checksum of a row from what the row means, so that writing and reading share one function. Each
// value is preceded by its length: bytes that move from one column to the next are found too.
type summer struct{ buffer []byte }

func (s *summer) number(n uint64) { s.buffer = binary.LittleEndian.AppendUint64(s.buffer, n) }

func (s *summer) text(t string) {
	s.buffer = binary.AppendUvarint(s.buffer, uint64(len(t)))
	s.buffer = append(s.buffer, t...)
}

// time adds what binder.time stores.
func (s *summer) time(t time.Time) {
	switch {
	case t.IsZero():
		s.buffer = append(s.buffer, 0)
	case fitsNanoseconds(t):
		s.buffer = append(s.buffer, 1)
		s.number(uint64(t.UnixNano()))
	default:
		s.buffer = append(s.buffer, 2)
		s.text(t.UTC().Format(time.RFC3339Nano))
	}
}

// end gives the checksum of what was added and of data, and starts anew. Data, which may be large, is not copied.
func (s *summer) end(data []byte) uint32 {
	sum := crc32.Update(crc32.Checksum(s.buffer, castagnoli), castagnoli, data)
	s.buffer = s.buffer[:0]
	return sum
}

// event is the checksum of a row of the table events, with what its kind stands for. Metadata is the text of that column.
func (s *summer) event(m *engine.Message, at *place, metadata string) uint32 {
	for _, n := range [...]uint64{
		uint64(at.position), uint64(at.version), uint64(at.previous), uint64(at.size), at.digest,
	} {
		s.number(n)
	}
	s.text(at.aggregate)
	for _, id := range [...]*engine.ID{&m.ID, &m.CorrelationID, &m.CausationID, &at.command} {
		s.buffer = append(s.buffer, id[:]...)
	}
	for _, t := range [...]string{m.Type, m.Source, m.ContentType, m.Schema, m.TraceParent, metadata} {
		s.text(t)
	}
	s.time(m.Time)
	raw, has := m.Data.(engine.Raw)
	if has {
		s.buffer = append(s.buffer, 1) // an empty payload is not the same as none
	}
	return s.end(raw)
}

// outcome is the checksum of a row of the table outcomes.
func (s *summer) outcome(c *storedCommand) uint32 {
	s.buffer = append(s.buffer, c.id[:]...)
	s.text(c.aggregate)
	s.number(uint64(c.last))
	s.number(c.digest)
	s.text(c.rejection)
	return s.end(nil)
}

// stream is the checksum of a row of the table streams.
func (s *summer) stream(name string, h head) uint32 {
	s.text(name)
	s.number(uint64(h.version))
	s.number(uint64(h.position))
	return s.end(nil)
}

// snapshot is the checksum of a row of the table snapshots.
func (s *summer) snapshot(snapshot *engine.Snapshot) uint32 {
	s.text(snapshot.Aggregate)
	s.number(uint64(snapshot.Version))
	s.text(snapshot.Schema)
	return s.end(snapshot.Data)
}
