package memory

import (
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// enter keeps a receipt of an id, whose hash is another one than its own when the test says so.
func (c *commands) enter(id engine.ID, hash uint64) entry {
	e := c.keep(receipt{id: id})
	c.add(hash, e)
	return e
}

// TestCommands finds every id again, and no other one, while the blocks are split.
func TestCommands(t *testing.T) {
	c, l := newCommands(), &log{}
	entries := map[engine.ID]entry{}
	for n := range 100_000 {
		id := engine.NewID()
		require.Zero(t, c.find(&id, c.hash(&id), l))
		entries[id] = c.enter(id, c.hash(&id))
		if n&(n-1) == 0 {
			requireAll(t, &c, entries)
		}
	}
	requireAll(t, &c, entries)
}

func requireAll(t *testing.T, c *commands, entries map[engine.ID]entry) {
	for id, e := range entries {
		require.Equal(t, e, c.find(&id, c.hash(&id), &log{}))
	}
	found := 0
	for _, p := range c.parts {
		require.LessOrEqual(t, bits.OnesCount(uint(len(p))), 1, "places of a part")
		for place, b := range p {
			shared := uint64(1)<<b.depth - 1
			require.Less(t, shared, uint64(len(p)))
			full := 0
			for _, slot := range b.slots {
				if slot != 0 {
					full++
					require.Equal(t, uint64(place)&shared, tagOf(slot)&shared, "a slot in a block of others")
				}
			}
			require.EqualValues(t, b.count, full)
			require.LessOrEqual(t, full, blockMost)
			if uint64(place) == uint64(place)&shared {
				found += full
			}
		}
	}
	require.Equal(t, len(entries), found)
}

// TestCommandsOfOneTag tells ids apart whose hashes are the same, however often their block is split by others.
func TestCommandsOfOneTag(t *testing.T) {
	c, l := newCommands(), &log{}
	const hash = 0xfedcba<<entryBits | 0x17
	entries := map[engine.ID]entry{}
	for n := range 4000 {
		id := engine.NewID()
		if n%100 == 0 {
			entries[id] = c.enter(id, hash)
		} else {
			c.enter(id, c.hash(&id)&^0xff|0x17) // in the same part
		}
	}
	for id, e := range entries {
		require.Equal(t, e, c.find(&id, hash, l))
	}
	other := engine.NewID()
	require.Zero(t, c.find(&other, hash, l))
}
