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

// commands remembers the first result of every command id (G6). An entry says where that is kept: the position of the first
// of its events, or, with the bit of inReceipt, the number of its receipt, from 1.
type commands struct {
	index
	seed     [2]uint64 // nobody can choose ids that collide
	receipts pages[receipt]
}

const inReceipt entry = 1 << (entryBits - 1)

func newCommands() commands { return commands{seed: [2]uint64{rand.Uint64(), rand.Uint64()}} }

// hash spreads the ids.
func (c *commands) hash(id *engine.ID) uint64 {
	high, low := bits.Mul64(binary.LittleEndian.Uint64(id[:8])^c.seed[0], binary.LittleEndian.Uint64(id[8:])^c.seed[1])
	return high ^ low
}

// find gives the entry of an id, or none.
func (c *commands) find(id *engine.ID, hash uint64, l *log) entry {
	return c.index.find(hash, func(e entry) bool {
		if e&inReceipt != 0 {
			return c.at(e).id == *id
		}
		return l.record(engine.Position(e)).causation == *id
	})
}

// keep keeps a receipt and gives its entry.
func (c *commands) keep(first receipt) entry {
	kept, number := c.receipts.add()
	*kept = first
	return inReceipt | entry(number)
}

// at gives the receipt of an entry.
func (c *commands) at(e entry) *receipt { return c.receipts.at(uint64(e &^ inReceipt)) }
