package storetest_test

import "github.com/orchestrix-go/orchestrix/engine"

// broken tells whether the append at a place of a call is chained to one that was not stored.
func (c *canary) broken(batch []engine.Append, results []engine.Result, at int) bool {
	if at == 0 || c.has("Chained is ignored") {
		return false
	}
	before, result, a := &batch[at-1], results[at-1], &batch[at]
	switch {
	case !a.Chained:
		return c.has("what is not chained breaks too") && before.Aggregate == a.Aggregate && result.Breaks()
	case c.has("a chain breaks behind a rejection") && result.Rejection != "",
		c.has("a chain breaks behind an append without events") && result.Err == nil && len(before.Events) == 0:
		return true
	case c.has("a duplicate breaks no chain") && result.Duplicate,
		c.has("an append that is bad breaks no chain") && engine.CheckAppend(before) != nil,
		c.has("a chain breaks at another version only") && a.Expected == engine.Any,
		c.has("a chain breaks only once") && c.broken(batch, results, at-1):
		return false
	case c.has("a letter breaks the chain of letters") && result.Letter > 0:
		return true
	}
	return a.Broken(&result)
}

// neverHolds tells whether the canary stores what demands a version that never is.
func (c *canary) neverHolds(a *engine.Append, version engine.Version) bool {
	return c.has("Never is a version") && version > 0 ||
		c.has("Never is an empty stream") && version == 0 ||
		c.has("Never holds for a rejection") && a.Rejection != "" ||
		c.has("Never holds without events") && len(a.Events) == 0
}
