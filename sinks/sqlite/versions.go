package sqlite

import (
	"strings"

	"github.com/orchestrix-go/orchestrix/engine"
)

// cachedVersions is how many aggregates one generation of the cache holds.
const cachedVersions = 1 << 16

// versionCache knows the current version of the aggregates that were written most recently, those of the open
// transaction included. Only the writer uses it. It keeps two generations: when the young one is full it becomes the
// old one, and the old one is dropped. An aggregate in use moves to the young one, so what is dropped has not been used
// for at least cachedVersions others. A transaction is smaller than that, so its own aggregates are never dropped.
type versionCache struct {
	young, old map[string]engine.Version
}

func newVersionCache() *versionCache {
	return &versionCache{young: make(map[string]engine.Version)}
}

// get gives the version of an aggregate, when it is known.
func (c *versionCache) get(aggregate string) (engine.Version, bool) {
	if version, ok := c.young[aggregate]; ok {
		return version, true
	}
	version, ok := c.old[aggregate]
	if ok {
		c.put(aggregate, version)
	}
	return version, ok
}

// put keeps the version of an aggregate.
func (c *versionCache) put(aggregate string, version engine.Version) {
	if _, ok := c.young[aggregate]; !ok {
		if len(c.young) >= cachedVersions {
			c.young, c.old = make(map[string]engine.Version), c.young
		}
		aggregate = strings.Clone(aggregate) // the caller's string may be part of a large one
	}
	c.young[aggregate] = version
}

// clear forgets everything, after a transaction whose versions never came to be.
func (c *versionCache) clear() { c.young, c.old = make(map[string]engine.Version), nil }
