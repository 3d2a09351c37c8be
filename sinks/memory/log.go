package memory

import "github.com/orchestrix-go/orchestrix/engine"

// log is the sequence of all events: a record is written once, when its event is appended, and never moves. The number of a
// record is its position.
//
// A log value is also a view: a copy of it sees what was there when it was copied, for ever. That is safe without a
// lock because appending only writes behind the length that the copy knows, in a page or in the lists.
type log struct {
	records pages[record]
	kinds   []*kind // by number, from 1
}

// record gives the record at a position from 1 to the end.
func (l *log) record(position engine.Position) *record { return l.records.at(uint64(position)) }

// at gives the event at a position from 1 to the end.
func (l *log) at(position engine.Position) engine.Event {
	return l.record(position).event(position, l.kinds)
}

// end is the position of the last event; 0 when there is none.
func (l *log) end() engine.Position { return engine.Position(l.records.length) }
