package sqlite

import (
	"strings"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// place says where one version of an aggregate rests, and what it ends.
type place struct {
	aggregate string
	version   engine.Version
	position  engine.Position
	previous  engine.Position // of the version before, 0 for the first version
	command   engine.ID       // whose last event this is; zero when its last event is another, or when it has no id
	size      int             // how many events that command has
	digest    uint64          // of that command, 0 when it is not known
}

func (p *place) head() head { return head{version: p.version, position: p.position} }

// tail knows the heads of the streams that have grown since the table streams was filled. The writer adds to it after
// each commit and empties it when it has filled the table; loads look here first. It holds at most defaultTailEvents heads
// and those of one transaction more.
//
// A load that looks here and then into the table misses nothing, whatever the writer does between the two: a head that was
// here leads to all events before it, and what had left the tail before is in the table, for the tail is emptied only
// after the table is committed.
type tail struct {
	mu     sync.RWMutex
	heads  map[string]head
	length int // number of events
}

func newTail() *tail { return &tail{heads: make(map[string]head)} }

// add takes the places of streams' last events, in position sequence, and the number of events that they stand for.
func (t *tail) add(places []place, events int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range places {
		p := &places[i]
		name := p.aggregate
		if _, known := t.heads[name]; !known {
			name = strings.Clone(name) // the caller's string may be part of a large one
		}
		t.heads[name] = p.head()
	}
	t.length += events
}

// clear empties the tail.
func (t *tail) clear() {
	t.mu.Lock()
	t.heads, t.length = make(map[string]head), 0
	t.mu.Unlock()
}

// view gives the head of a stream as it is now, and false when the stream has not grown.
func (t *tail) view(aggregate string) (head, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	h, ok := t.heads[aggregate]
	return h, ok
}
