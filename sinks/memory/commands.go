package memory

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/orchestrix-go/orchestrix/engine"
)

// receipt is the first result of one command id whose events do not tell it: it has none, or more has to be kept.
type receipt struct {
	id     engine.ID
	stream *stream        // the aggregate that the id belongs to
	first  engine.Version // of its events, also when it has none
	rest   *rest          // nil: there is nothing else to it
}

// rest is what a command with a receipt may have besides.
type rest struct {
	last      engine.Version
	position  engine.Position
	rejection string
	digest    uint64 // of what the command said; 0 when that is not known
}

// commands remembers the first result of every command id (G6): a hash table (extendible hashing; open addressing inside
// a bucket). A command costs three misses of the processor's cache in it, the pointer to its bucket, the bucket's count and
// the slot, where a Go map of ids costs several, and misses are what an append in memory is made of. It grows by a bucket at
// a time: that moves the slots of one bucket, and now and then copies a part's pointers, one for some 30 commands. Only
// those pointers are left to the garbage collector.
type commands struct {
	seed     [2]uint64 // nobody can choose ids that collide
	parts    [256]part
	receipts [][]receipt // pages of receiptsPage, so that growing never copies
	count    uint64      // of receipts
}

// entry says where the first result of an id is kept: the position of the first of its events, or, with the bit of
// inReceipt, the number of its receipt, from 1. The zero entry is none.
type entry uint64

const (
	receiptsPage       = 256
	entryBits          = 40
	inReceipt    entry = 1 << (entryBits - 1)
)

func newCommands() commands { return commands{seed: [2]uint64{rand.Uint64(), rand.Uint64()}} }

// hash spreads the ids.
func (c *commands) hash(id *engine.ID) uint64 {
	high, low := bits.Mul64(binary.LittleEndian.Uint64(id[:8])^c.seed[0], binary.LittleEndian.Uint64(id[8:])^c.seed[1])
	return high ^ low
}

// bucket is where an id with this hash is; nil when its part is empty.
func (c *commands) bucket(hash uint64) *bucket {
	return c.parts[hash&0xff].bucket(tagOf(hash))
}

// prefetch reads what find and add will read first for an id, the bucket's count and the slot: the processor fetches
// both. The value means nothing.
func (c *commands) prefetch(hash uint64) uint64 {
	b := c.bucket(hash)
	if b == nil {
		return 0
	}
	return b.slots[placeOf(tagOf(hash))] ^ uint64(b.count)
}

// find gives the entry of an id, or none.
func (c *commands) find(id *engine.ID, hash uint64, l *log) entry {
	b, tag := c.bucket(hash), tagOf(hash)
	if b == nil {
		return 0
	}
	for at := placeOf(tag); b.slots[at] != 0; at = behind(at) {
		if tagOf(b.slots[at]) != tag {
			continue
		}
		found := entry(b.slots[at] & (1<<entryBits - 1))
		if found&inReceipt != 0 && c.at(found).id == *id || found&inReceipt == 0 && l.record(engine.Position(found)).causation == *id {
			return found
		}
	}
	return 0
}

// add enters an id that is not there yet.
func (c *commands) add(hash uint64, e entry) {
	tag, p := tagOf(hash), &c.parts[hash&0xff]
	if len(*p) == 0 {
		*p = part{new(bucket)}
	}
	b := p.bucket(tag)
	for b.count == mostSlots { // ends: the hashes of so many ids never are the same, and nobody can choose such ids (see seed)
		p.split(tag)
		b = p.bucket(tag)
	}
	b.put(tag<<entryBits | uint64(e))
}

// keep keeps a receipt and gives its entry.
func (c *commands) keep(first receipt) entry {
	if c.count%receiptsPage == 0 {
		c.receipts = append(c.receipts, make([]receipt, 0, receiptsPage))
	}
	page := &c.receipts[len(c.receipts)-1]
	*page = append(*page, first)
	c.count++
	return inReceipt | entry(c.count)
}

// at gives the receipt of an entry.
func (c *commands) at(e entry) *receipt {
	number := e&^inReceipt - 1
	return &c.receipts[number/receiptsPage][number%receiptsPage]
}
