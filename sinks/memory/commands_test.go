package memory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// TestCommands finds every id again, by its receipt or by its event, and no other one.
func TestCommands(t *testing.T) {
	c, l := newCommands(), &log{}
	entries := map[engine.ID]entry{}
	for n := range 100_000 {
		id := engine.NewID()
		hash := c.hash(&id)
		require.Zero(t, c.find(&id, hash, l))
		if n%2 == 0 {
			entries[id] = c.keep(receipt{id: id})
		} else {
			r, number := l.records.add()
			r.causation = id
			entries[id] = entry(number)
		}
		c.add(hash, entries[id])
	}
	for id, e := range entries {
		require.Equal(t, e, c.find(&id, c.hash(&id), l))
	}
}

// TestCommandsOfOneHash tells ids apart whose hashes are the same.
func TestCommandsOfOneHash(t *testing.T) {
	c, l := newCommands(), &log{}
	const hash = 0xfedcba<<entryBits | 0x17
	one, other, third := engine.NewID(), engine.NewID(), engine.NewID()
	r, number := l.records.add()
	r.causation = one
	c.add(hash, entry(number))
	kept := c.keep(receipt{id: other})
	c.add(hash, kept)
	require.Equal(t, entry(number), c.find(&one, hash, l))
	require.Equal(t, kept, c.find(&other, hash, l))
	require.Zero(t, c.find(&third, hash, l))
}
