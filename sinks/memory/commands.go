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
// made of. It is split into parts, so that growing moves only a 256th of it at a time.
type commands struct {
	seed     [2]uint64 // nobody can choose ids that collide
	parts    [256]part
	receipts [][]receipt // pages of receiptsPage, so that growing never copies
	count    uint64      // of receipts
}

// part holds slots of 64 bits: the upper 24 are the tag, bits of the id's hash that also give the place where the slot is
// looked for first; the lower 40 are an entry. An empty slot is 0.
type part struct {
	slots []uint64 // a power of two of them, or none
	count int
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

// part is where ids with this hash are; the tag is the upper 24 of the other bits.
func (c *commands) part(hash uint64) *part { return &c.parts[hash&0xff] }

func tagOf(hash uint64) uint64 { return hash >> entryBits }

// glance gives the slot at which an id is looked for first. Nothing comes of it but that the processor fetches the place.
func (c *commands) glance(hash uint64) uint64 {
	p := c.part(hash)
	if len(p.slots) == 0 {
		return 0
	}
	return p.slots[tagOf(hash)&uint64(len(p.slots)-1)]
}

// find gives the entry of an id, or none.
func (c *commands) find(id *engine.ID, hash uint64, l *log) entry {
	p, tag := c.part(hash), tagOf(hash)
	if len(p.slots) == 0 {
		return 0
	}
	mask := uint64(len(p.slots) - 1)
	for at := tag & mask; p.slots[at] != 0; at = (at + 1) & mask {
		if p.slots[at]>>entryBits != tag {
			continue
		}
		found := entry(p.slots[at] & (1<<entryBits - 1))
		if found&inReceipt != 0 && c.at(found).id == *id || found&inReceipt == 0 && l.record(engine.Position(found)).causation == *id {
			return found
		}
	}
	return 0
}

// add enters an id that is not there yet.
func (c *commands) add(hash uint64, e entry) {
	p := c.part(hash)
	if 8*(p.count+1) > 5*len(p.slots) {
		p.grow()
	}
	p.put(tagOf(hash)<<entryBits | uint64(e))
	p.count++
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
func (p *part) put(slot uint64) {
	mask := uint64(len(p.slots) - 1)
	at := slot >> entryBits & mask
	for p.slots[at] != 0 {
		at = (at + 1) & mask
	}
	p.slots[at] = slot
}

// grow doubles the part.
func (p *part) grow() {
	old := p.slots
	p.slots = make([]uint64, max(16, 2*len(old)))
	for _, slot := range old {
		if slot != 0 {
			p.put(slot)
		}
	}
}
