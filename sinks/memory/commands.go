package memory

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/orchestrix-go/orchestrix/engine"
)

// receipt is the first result of one command id, without what a duplicate does not repeat.
type receipt struct {
	id          engine.ID
	stream      *stream // the aggregate that the id belongs to
	first, last engine.Version
	position    engine.Position
	rejection   string
	digest      uint64 // of what the command said; 0 when that is not known
}

// answer is the result for a command id that comes again: the first one, unless it comes for another aggregate or with
// other words.
func (r *receipt) answer(a *engine.Append) engine.Result {
	if r.stream.name != a.Aggregate || r.digest != 0 && a.Digest != 0 && r.digest != a.Digest {
		return engine.Result{Err: &engine.ReusedError{CommandID: a.CommandID, First: r.stream.name, Again: a.Aggregate}}
	}
	return engine.Result{
		First: r.first, Last: r.last, Position: r.position, Rejection: r.rejection, Duplicate: true,
	}
}

// commands remembers the first result of every command id (G6): a hash table with open addressing. A command costs one
// miss of the processor's cache in it, where a Go map of ids costs several, and misses are what an append in memory is
// made of. It is split into parts, so that growing moves only a 256th of it at a time.
type commands struct {
	seed     [2]uint64 // nobody can choose ids that collide
	parts    [256]part
	receipts [][]receipt // pages of receiptsPage, so that growing never copies
	count    uint32
}

// part holds slots of 64 bits: the upper half is the tag, 32 bits of the id's hash that also give the place where the
// slot is looked for first; the lower half is the number of its receipt, from 1. An empty slot is 0.
type part struct {
	slots []uint64 // a power of two of them, or none
	count int
}

const receiptsPage = 256

func newCommands() commands { return commands{seed: [2]uint64{rand.Uint64(), rand.Uint64()}} }

// hash gives the part and the tag of an id.
func (c *commands) hash(id *engine.ID) (p *part, tag uint32) {
	high, low := bits.Mul64(binary.LittleEndian.Uint64(id[:8])^c.seed[0], binary.LittleEndian.Uint64(id[8:])^c.seed[1])
	h := high ^ low
	return &c.parts[h>>56], uint32(h)
}

// find gives the receipt of an id, or nil.
func (c *commands) find(id *engine.ID) *receipt {
	p, tag := c.hash(id)
	if len(p.slots) == 0 {
		return nil
	}
	mask := uint32(len(p.slots) - 1)
	for at := tag & mask; p.slots[at] != 0; at = (at + 1) & mask {
		if uint32(p.slots[at]>>32) == tag {
			if r := c.at(uint32(p.slots[at])); r.id == *id {
				return r
			}
		}
	}
	return nil
}

// warm looks at the places where the ids of a batch will be looked for. Nothing comes of it but that the processor
// fetches all of them at once, instead of one after another between other work. It gives what it saw, lest the compiler
// leave it out.
func (c *commands) warm(batch []engine.Append) (seen uint64) {
	for i := range batch {
		if p, tag := c.hash(&batch[i].CommandID); len(p.slots) > 0 {
			seen ^= p.slots[tag&uint32(len(p.slots)-1)]
		}
	}
	return seen
}

// add keeps the first result of an id that is not there yet.
func (c *commands) add(first receipt) {
	if c.count%receiptsPage == 0 {
		c.receipts = append(c.receipts, make([]receipt, 0, receiptsPage))
	}
	page := &c.receipts[len(c.receipts)-1]
	*page = append(*page, first)
	c.count++
	p, tag := c.hash(&first.id)
	if 8*(p.count+1) > 5*len(p.slots) {
		p.grow()
	}
	p.put(uint64(tag)<<32 | uint64(c.count))
	p.count++
}

// at gives the receipt with a number.
func (c *commands) at(number uint32) *receipt {
	return &c.receipts[(number-1)/receiptsPage][(number-1)%receiptsPage]
}

// put enters a slot into the first empty place from its own on.
func (p *part) put(slot uint64) {
	mask := uint32(len(p.slots) - 1)
	at := uint32(slot>>32) & mask
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
