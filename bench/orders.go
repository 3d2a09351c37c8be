package bench

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
)

// Orders makes commands for aggregates orders, interleaved at random: each order is created, gets items, and, where its
// share of the commands is four or more, is paid and shipped. The same seed gives the same commands with the same ids.
// All of them are acceptable. It makes as many orders as there are commands when that is less.
func Orders(commands, aggregates int, seed uint64) iter.Seq[*engine.Command] {
	return func(yield func(*engine.Command) bool) {
		g := newOrderBook(seed, "orchestrix/orders")
		aggregates = max(1, min(commands, aggregates))
		open := make([]openOrder, aggregates)
		for i := range open {
			open[i] = openOrder{number: i, commands: commands / aggregates}
			if i < commands%aggregates {
				open[i].commands++
			}
		}
		for len(open) > 0 && commands > 0 {
			i := g.rng.IntN(len(open))
			o := &open[i]
			if !yield(g.command(o.number, o.next(g.rng))) {
				return
			}
			if o.done == o.commands {
				open[i] = open[len(open)-1]
				open = open[:len(open)-1]
			}
		}
	}
}

// openOrder is an order that still has commands to come.
type openOrder struct {
	number   int
	commands int // in all
	done     int
	total    int64 // cents
}

// next gives the payload of the order's next command.
func (o *openOrder) next(rng *rand.Rand) any {
	o.done++
	left := o.commands - o.done
	switch {
	case o.done == 1:
		return order.Create{Customer: fmt.Sprintf("customer-%d", rng.IntN(1000))}
	case o.commands >= 4 && left == 1:
		return order.Pay{AmountCents: o.total}
	case o.commands >= 4 && left == 0:
		return order.Ship{Carrier: "post"}
	}
	item := order.AddItem{SKU: fmt.Sprintf("sku-%d", rng.IntN(500)), Quantity: 1 + rng.Int64N(9), UnitPriceCents: rng.Int64N(10_000)}
	o.total += item.Quantity * item.UnitPriceCents
	return item
}

// orderBook makes commands with ids that follow from a seed.
type orderBook struct {
	rng    *rand.Rand
	seed   uint64
	source string
	made   uint64
}

func newOrderBook(seed uint64, source string) *orderBook {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	copy(key[8:], source)
	return &orderBook{rng: rand.New(rand.NewChaCha8(key)), seed: seed, source: source}
}

// command makes the next command, for the order with this number. Its id is a UUIDv7 whose time counts the commands, so
// that it sorts as it was made.
func (g *orderBook) command(number int, data any) *engine.Command {
	const epoch = 1767225600000 // 2026-01-01 in Unix milliseconds
	var id engine.ID
	binary.BigEndian.PutUint64(id[:], (epoch+g.made)<<16|g.rng.Uint64()&0x0fff|0x7000)
	binary.BigEndian.PutUint64(id[8:], g.rng.Uint64()>>2|1<<63)
	g.made++
	return &engine.Command{Message: engine.Message{
		ID: id, Source: g.source, Subject: fmt.Sprintf("order-%d-%06d", g.seed, number), Time: time.Now().UTC(),
		Data: data, CorrelationID: id,
	}}
}
