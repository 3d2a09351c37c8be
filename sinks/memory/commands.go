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

// commands remembers the first result of every command id (G6): a hash table with open addressing. A command costs one
// miss of the processor's cache in it, where a Go map of ids costs several, and misses are what an append in memory is
// made of. It grows by a block at a time, so that no append moves more than the slots of one, and nothing is left behind for
// the garbage collector.
type commands struct {
	seed     [2]uint64 // nobody can choose ids that collide
	parts    [256]part
	receipts [][]receipt // pages of receiptsPage, so that growing never copies
	count    uint64      // of receipts
}

// part is a 256th of the ids, in blocks by the lowest bits of their tags: a power of two of places, or none. A block stands
// in every place that it has not been split for yet.
type part []*block

// block holds slots of 64 bits: the upper 24 are the tag, bits of the id's hash that also give the place where the slot is
// looked for first; the lower 40 are an entry. An empty slot is 0, and some always are.
type block struct {
	depth, count uint32 // the lowest bits of the tag that all slots share, and how many slots are full
	slots        [blockSlots]uint64
}

const (
	blockSlots = 63 // with the two numbers before them 512 bytes
	blockMost  = 50
)

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

// block is where an id with this hash is; nil when its part is empty. The tag is the upper 24 of the other bits.
func (c *commands) block(hash uint64) *block {
	p := c.parts[hash&0xff]
	if len(p) == 0 {
		return nil
	}
	return p[tagOf(hash)&uint64(len(p)-1)]
}

func tagOf(hash uint64) uint64 { return hash >> entryBits }

// placeOf is where a tag is looked for first, by its upper bits: the lower ones are much the same in all of a block.
func placeOf(tag uint64) uint64 { return tag >> 12 * blockSlots >> 12 }

// glance gives the slot at which an id is looked for first. Nothing comes of it but that the processor fetches the place.
func (c *commands) glance(hash uint64) uint64 {
	b := c.block(hash)
	if b == nil {
		return 0
	}
	return b.slots[placeOf(tagOf(hash))]
}

// find gives the entry of an id, or none.
func (c *commands) find(id *engine.ID, hash uint64, l *log) entry {
	b, tag := c.block(hash), tagOf(hash)
	if b == nil {
		return 0
	}
	for at := placeOf(tag); b.slots[at] != 0; at = behind(at) {
		if b.slots[at]>>entryBits != tag {
			continue
		}
		found := entry(b.slots[at] & (1<<entryBits - 1))
		if found&inReceipt != 0 && c.at(found).id == *id || found&inReceipt == 0 && l.record(engine.Position(found)).causation == *id {
			return found
		}
	}
	return 0
}

// behind is the place that is looked at after one.
func behind(at uint64) uint64 {
	if at++; at == blockSlots {
		return 0
	}
	return at
}

// add enters an id that is not there yet.
func (c *commands) add(hash uint64, e entry) {
	tag, p := tagOf(hash), &c.parts[hash&0xff]
	if len(*p) == 0 {
		*p = part{new(block)}
	}
	b := c.block(hash)
	for b.count == blockMost {
		p.split(tag)
		b = c.block(hash)
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

// put enters a slot into the first empty place from its own on.
func (b *block) put(slot uint64) {
	at := placeOf(tagOf(slot))
	for b.slots[at] != 0 {
		at = behind(at)
	}
	b.slots[at] = slot
	b.count++
}

// split makes two blocks of the one where a tag is, by one bit more.
func (p *part) split(tag uint64) {
	b := (*p)[tag&uint64(len(*p)-1)]
	old, bit := *b, uint64(1)<<b.depth
	if bit == uint64(len(*p)) {
		*p = append(*p, *p...)
	}
	*b = block{depth: old.depth + 1}
	other := &block{depth: old.depth + 1}
	for _, slot := range old.slots {
		switch {
		case slot == 0:
		case tagOf(slot)&bit == 0:
			b.put(slot)
		default:
			other.put(slot)
		}
	}
	for at := tag&(bit-1) | bit; at < uint64(len(*p)); at += 2 * bit {
		(*p)[at] = other
	}
}
