package sqlite

import (
	"strings"

	"github.com/orchestrix-go/orchestrix/engine"
)

// cachedVersions is how many aggregates one generation of the cache holds.
const cachedVersions = 1 << 16

// head is where a stream ends: its last version, and where that rests. The zero head is that of an empty stream.
type head struct {
	version  engine.Version
	position engine.Position
}

// versionCache knows the heads of the aggregates that were written most recently, as the open transaction makes them.
// Only the writer uses it. It keeps two generations: when the young one is full it becomes the old one, and the old one
// is dropped. An aggregate in use moves to the young one, so what is dropped has not been used for at least
// cachedVersions others. A transaction is smaller than that, so its own aggregates are never dropped.
type versionCache struct {
	young, old map[string]*head
}

func newVersionCache() *versionCache {
	return &versionCache{young: make(map[string]*head)}
}

// get gives the head of an aggregate, which its caller may change, and nil when it is not known.
func (c *versionCache) get(aggregate string) *head {
	if h := c.young[aggregate]; h != nil {
		return h
	}
	h := c.old[aggregate]
	if h != nil {
		c.put(aggregate, h)
	}
	return h
}

// put keeps the head of an aggregate.
func (c *versionCache) put(aggregate string, h *head) {
	if len(c.young) >= cachedVersions {
		c.young, c.old = make(map[string]*head), c.young
	}
	c.young[strings.Clone(aggregate)] = h // the caller's string may be part of a large one
}

// clear forgets everything, after a transaction whose versions never came to be.
func (c *versionCache) clear() { c.young, c.old = make(map[string]*head), nil }
