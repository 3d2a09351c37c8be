package memory

import "github.com/orchestrix-go/orchestrix/engine"

// chunkRecords is how many records one chunk of the log holds. A chunk is 18 KiB: large enough that a new one is rare,
// small enough that it is still in the processor's cache, where it was cleared, when it is filled.
const chunkRecords = 256

type chunk [chunkRecords]record

// log is the sequence of all events. It grows by whole chunks, so that a record is written once, when its event is
// appended, and never moves. The record at place i has position i+1.
//
// A log value is also a view: a copy of it sees what was there when it was copied, for ever. That is safe without a
// lock because appending only writes behind the length that the copy knows, in a chunk or in the lists.
type log struct {
	chunks []*chunk
	length uint64
	kinds  []*kind // by number, from 1
}

// add gives room for one more record, empty, and its position.
func (l *log) add() (*record, engine.Position) {
	at := l.length % chunkRecords
	if at == 0 {
		l.chunks = append(l.chunks, new(chunk))
	}
	l.length++
	return &l.chunks[len(l.chunks)-1][at], engine.Position(l.length)
}

// record gives the record at a position from 1 to the length.
func (l *log) record(position engine.Position) *record {
	place := uint64(position) - 1
	return &l.chunks[place/chunkRecords][place%chunkRecords]
}

// at gives the event at a position from 1 to the length.
func (l *log) at(position engine.Position) engine.Event {
	return l.record(position).event(position, l.kinds)
}

// end is the position of the last event; 0 when there is none.
func (l *log) end() engine.Position { return engine.Position(l.length) }
