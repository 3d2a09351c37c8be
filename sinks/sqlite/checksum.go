package sqlite

import (
	"encoding/binary"
	"hash/crc32"

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

// end gives the checksum of what was added and of data, and starts anew. Data, which may be large, is not copied.
func (s *summer) end(data []byte) uint32 {
	sum := crc32.Update(crc32.Checksum(s.buffer, castagnoli), castagnoli, data)
	s.buffer = s.buffer[:0]
	return sum
}

// event is the checksum of an event: of where it is, and of all that its segment has of it.
func (s *summer) event(position engine.Position, base int64, text, data []byte) uint32 {
	s.number(uint64(position))
	s.number(uint64(base))
	s.number(uint64(len(text)))
	s.buffer = append(s.buffer, text...)
	return s.end(data)
}

// kind is the checksum of a row of the table kinds.
func (s *summer) kind(id int64, k *kind) uint32 {
	s.number(uint64(id))
	for _, t := range [...]string{k.typ, k.source, k.contentType, k.schema} {
		s.text(t)
	}
	return s.end(nil)
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
