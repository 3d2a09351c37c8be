package memory

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// only is what find looks for: one entry.
func only(e entry) func(entry) bool { return func(found entry) bool { return found == e } }

// TestIndex finds every entry again, and no other one, while the buckets are split.
func TestIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, hashes := new(index), []uint64{}
	for n := range 100_000 {
		hash := rng.Uint64()
		require.Zero(t, x.find(hash, only(entry(n+1))))
		hashes = append(hashes, hash)
		x.add(hash, entry(n+1))
		if n&(n-1) == 0 {
			requireAll(t, x, hashes)
		}
	}
	requireAll(t, x, hashes)
}

// requireAll asks for entries from 1 on by their hashes, and for nothing else, in buckets that are as they should be.
func requireAll(t *testing.T, x *index, hashes []uint64) {
	for n, hash := range hashes {
		require.Equal(t, entry(n+1), x.find(hash, only(entry(n+1))))
	}
	found := 0
	for _, p := range x.parts {
		require.LessOrEqual(t, bits.OnesCount(uint(len(p))), 1, "length of a part")
		for place, b := range p {
			shared := uint64(1)<<b.depth - 1
			require.Less(t, shared, uint64(len(p)))
			full := 0
			for _, slot := range b.slots {
				if slot != 0 {
					full++
					require.Equal(t, uint64(place)&shared, tagOf(slot)&shared, "a slot in a bucket of others")
				}
			}
			require.EqualValues(t, b.count, full)
			require.LessOrEqual(t, full, mostSlots)
			if uint64(place) == uint64(place)&shared {
				found += full
			}
		}
	}
	require.Equal(t, len(hashes), found)
}

// TestIndexOfOneHash tells entries apart whose hashes are the same, however often their bucket is split by others.
func TestIndexOfOneHash(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	const hash = 0xfedcba<<entryBits | 0x17
	x, same := new(index), []entry{}
	for n := range entry(4000) {
		if n%100 == 0 {
			same = append(same, n+1)
			x.add(hash, n+1)
		} else {
			x.add(rng.Uint64()&^0xf|hash&0xf, n+1) // in the same part
		}
	}
	for _, e := range same {
		require.Equal(t, e, x.find(hash, only(e)))
	}
	require.Zero(t, x.find(hash, only(4001)))
}

// TestSplitAgain fills a bucket with hashes that the lowest bits of their tags do not tell apart.
func TestSplitAgain(t *testing.T) {
	x := new(index)
	for n := range uint64(mostSlots + 1) {
		hash := n << 7 << entryBits
		x.add(hash, entry(n+1))
		require.Equal(t, entry(n+1), x.find(hash, only(entry(n+1))))
	}
	require.Len(t, x.parts[0], 1<<8)
	for _, b := range x.parts[0] {
		require.LessOrEqual(t, b.count, uint32(mostSlots))
	}
}
