package sqlite

import (
	"strings"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// place says where one version of an aggregate rests.
type place struct {
	aggregate string
	version   engine.Version
	position  engine.Position
}

// tail knows the places of the events that the table versions does not hold yet. The writer adds to it after each
// commit and empties it when it has filled the table; loads look here for the newest part of a stream. It holds at most
// defaultTailEvents events and those of one transaction more.
//
// A load that takes its view of the tail and then reads the table misses nothing, whatever the writer does between the
// two: what was in the view stays readable by position, and what had left the tail before is in the table, for the
// tail is emptied only after the table is committed.
type tail struct {
	mu      sync.RWMutex
	streams map[string]*tailStream
	length  int // number of events
}

// tailStream is the newest part of one aggregate: version first+i rests at positions[i].
type tailStream struct {
	first     engine.Version
	positions []engine.Position
}

func newTail() *tail { return &tail{streams: make(map[string]*tailStream)} }

// add appends places, in position sequence.
func (t *tail) add(places []place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range places {
		stream := t.streams[p.aggregate]
		if stream == nil {
			stream = &tailStream{first: p.version}
			t.streams[strings.Clone(p.aggregate)] = stream // the caller's string may be part of a large one
		}
		stream.positions = append(stream.positions, p.position)
	}
	t.length += len(places)
}

// clear empties the tail.
func (t *tail) clear() {
	t.mu.Lock()
	t.streams, t.length = make(map[string]*tailStream), 0
	t.mu.Unlock()
}

// view gives the newest part of an aggregate as it is now, and false when the tail holds none of it.
func (t *tail) view(aggregate string) (tailStream, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	stream := t.streams[aggregate]
	if stream == nil {
		return tailStream{}, false
	}
	return *stream, true
}

// end is the version after the last one.
func (s *tailStream) end() engine.Version { return s.first + engine.Version(len(s.positions)) }
