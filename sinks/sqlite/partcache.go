package sqlite

import (
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Bounds of one generation of the cache.
const (
	cachedParts     = 16384
	cachedPartBytes = 8 << 20
)

// partCache holds the events that were loaded most recently, as they are in their segments, for all readers of a store.
// SQLite's own cache of pages is worth nothing beside a writer: each commit makes every other connection drop it. An event
// never changes once it is committed, so what is here stays right.
//
// It keeps two generations, as versionCache does: some ten MiB at most.
type partCache struct {
	mu         sync.Mutex
	young, old map[engine.Position]cachedPart
	bytes      int // in young
}

// cachedPart is a part whose slices are its own, and what its time is counted from.
type cachedPart struct {
	part
	base int64
}

func newPartCache() *partCache {
	return &partCache{young: make(map[engine.Position]cachedPart)}
}

// get gives the part of a position.
func (c *partCache) get(position engine.Position) (p cachedPart, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, found = c.young[position]; found {
		return p, true
	}
	if p, found = c.old[position]; found {
		c.put(position, p)
	}
	return p, found
}

// add keeps a copy of a part.
func (c *partCache) add(position engine.Position, p *part, base int64) {
	own := make([]byte, 0, p.size())
	clone := func(from []byte) []byte {
		if from == nil {
			return nil
		}
		at := len(own)
		own = append(own, from...)
		return own[at:len(own):len(own)]
	}
	copied := cachedPart{*p, base}
	copied.aggregate, copied.time, copied.correlation = clone(p.aggregate), clone(p.time), clone(p.correlation)
	copied.more, copied.data = clone(p.more), clone(p.data)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(position, copied)
}

func (c *partCache) put(position engine.Position, p cachedPart) {
	if len(c.young) >= cachedParts || c.bytes >= cachedPartBytes {
		c.young, c.old, c.bytes = make(map[engine.Position]cachedPart), c.young, 0
	}
	c.young[position] = p
	c.bytes += p.part.size()
}
