package memory

import (
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// enter keeps a receipt of an id under a hash, which need not be its own.
func (c *commands) enter(id engine.ID, hash uint64) entry {
	e := c.keep(receipt{id: id})
	c.add(hash, e)
	return e
}

// TestCommands finds every id again, and no other one, while the buckets are split.
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
		require.LessOrEqual(t, bits.OnesCount(uint(len(p))), 1, "length of a part")
		for index, b := range p {
			shared := uint64(1)<<b.depth - 1
			require.Less(t, shared, uint64(len(p)))
			full := 0
			for _, slot := range b.slots {
				if slot != 0 {
					full++
					require.Equal(t, uint64(index)&shared, tagOf(slot)&shared, "a slot in a bucket of others")
				}
			}
			require.EqualValues(t, b.count, full)
			require.LessOrEqual(t, full, mostSlots)
			if uint64(index) == uint64(index)&shared {
				found += full
			}
		}
	}
	require.Equal(t, len(entries), found)
}

// TestCommandsOfOneTag tells ids apart whose hashes are the same, however often their bucket is split by others.
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

// TestSplitAgain fills a bucket with ids that the lowest bits of their tags do not tell apart.
func TestSplitAgain(t *testing.T) {
	c, l := newCommands(), &log{}
	for n := range uint64(mostSlots + 1) {
		id, hash := engine.NewID(), n<<7<<entryBits
		e := c.enter(id, hash)
		require.Equal(t, e, c.find(&id, hash, l))
	}
	require.Len(t, c.parts[0], 1<<8)
	for _, b := range c.parts[0] {
		require.LessOrEqual(t, b.count, uint32(mostSlots))
	}
}
