package memory

import "github.com/orchestrix-go/orchestrix/engine"

// chunkEvents is how many events one chunk of the log holds. A chunk is about 200 KiB: large enough that a new one is
// rare, small enough that an empty store costs little.
const chunkEvents = 1024

type chunk [chunkEvents]engine.Event

// log is the sequence of all events. It grows by whole chunks, so that an event is copied once, when it is appended,
// and never moves. The event at place i has position i+1.
//
// A log value is also a view: a copy of it sees what was there when it was copied, for ever. That is safe without a
// lock because appending only writes behind the length that the copy knows, in a chunk or in the list of chunks.
type log struct {
	chunks []*chunk
	length uint64
}

// add appends a copy of the event and gives the copy its version and position.
func (l *log) add(event *engine.Event, version engine.Version) engine.Position {
	at := l.length % chunkEvents
	if at == 0 {
		l.chunks = append(l.chunks, new(chunk))
	}
	stored := &l.chunks[len(l.chunks)-1][at]
	*stored = *event
	l.length++
	stored.Version, stored.Position = version, engine.Position(l.length)
	return stored.Position
}

// at gives the event at a position from 1 to the length.
func (l *log) at(position engine.Position) *engine.Event {
	place := uint64(position) - 1
	return &l.chunks[place/chunkEvents][place%chunkEvents]
}

// end is the position of the last event; 0 when there is none.
func (l *log) end() engine.Position { return engine.Position(l.length) }
