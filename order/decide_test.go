package order_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
)

// history shortens the tables below: events that have happened, in sequence.
type history []any

var (
	opened  = history{order.Created{Customer: "ada"}}
	filled  = append(opened[:1:1], order.ItemAdded{SKU: "tea", Quantity: 2, UnitPriceCents: 450})
	settled = append(filled[:2:2], order.Paid{AmountCents: 900})
	gone    = append(settled[:3:3], order.Shipped{Carrier: "bike"})
	ended   = append(opened[:1:1], order.Cancelled{Reason: "changed my mind"})
)

// decision is one given/when/then: either then or refused is set.
type decision struct {
	name    string
	given   history
	when    any
	then    any
	refused string // the whole reason
}

func TestCreate(t *testing.T) {
	create := order.Create{Customer: "ada"}
	run(t, []decision{
		{name: "new", when: create, then: order.Created{Customer: "ada"}},
		{name: "nobody", when: order.Create{}, refused: "customer is empty: an order belongs to somebody"},
		{name: "twice", given: opened, when: create, refused: "the order exists already: it is open"},
		{name: "after paying", given: settled, when: create, refused: "the order exists already: it is paid"},
		{name: "after shipping", given: gone, when: create, refused: "the order exists already: it is shipped"},
		{name: "after cancelling", given: ended, when: create, refused: "the order exists already: it is cancelled"},
	})
}

func TestAddItem(t *testing.T) {
	tea := order.AddItem{SKU: "tea", Quantity: 2, UnitPriceCents: 450}
	added := order.ItemAdded{SKU: "tea", Quantity: 2, UnitPriceCents: 450}
	gift := order.AddItem{SKU: "card", Quantity: 1}
	run(t, []decision{
		{name: "first item", given: opened, when: tea, then: added},
		{name: "same item again", given: filled, when: tea, then: added},
		{name: "free item", given: opened, when: gift, then: order.ItemAdded{SKU: "card", Quantity: 1}},
		{name: "no order", when: tea, refused: "the order does not exist: create it first"},
		{name: "paid", given: settled, when: tea, refused: "the order is paid: items are added only while it is open"},
		{name: "shipped", given: gone, when: tea, refused: "the order is shipped: items are added only while it is open"},
		{name: "cancelled", given: ended, when: tea, refused: "the order is cancelled: items are added only while it is open"},
		{
			name: "no sku", given: opened, when: order.AddItem{Quantity: 1, UnitPriceCents: 1},
			refused: "sku is empty: an item names its article",
		},
		{
			name: "none of it", given: opened, when: order.AddItem{SKU: "tea", UnitPriceCents: 1},
			refused: "quantity is 0: it must be at least 1",
		},
		{
			name: "less than none", given: opened, when: order.AddItem{SKU: "tea", Quantity: -3, UnitPriceCents: 1},
			refused: "quantity is -3: it must be at least 1",
		},
		{
			name: "negative price", given: opened, when: order.AddItem{SKU: "tea", Quantity: 1, UnitPriceCents: -1},
			refused: "unit price is -1 cents: it must not be negative",
		},
	})
}

// A total that passes int64 would become negative and could be paid with a negative amount.
func TestAddItemGuardsTheTotal(t *testing.T) {
	const (
		most    = math.MaxInt64
		tooMuch = "the total would pass 9223372036854775807 cents, the most that can be counted"
	)
	item := func(quantity, price int64) order.AddItem {
		return order.AddItem{SKU: "gold", Quantity: quantity, UnitPriceCents: price}
	}
	added := func(quantity, price int64) order.ItemAdded { return order.ItemAdded(item(quantity, price)) }
	full := append(opened[:1:1], added(1, most))
	almost := append(opened[:1:1], added(1, most-6))
	run(t, []decision{
		{name: "the most in one", given: opened, when: item(1, most), then: added(1, most)},
		{name: "the most in many", given: opened, when: item(most, 1), then: added(most, 1)},
		{name: "product wraps to negative", given: opened, when: item(2, most), refused: tooMuch},
		{name: "product wraps to zero", given: opened, when: item(1<<32, 1<<32), refused: tooMuch},
		{name: "product wraps to positive", given: opened, when: item(1<<33+1, 1<<32), refused: tooMuch},
		{name: "both the most", given: opened, when: item(most, most), refused: tooMuch},
		{name: "sum just fits", given: almost, when: item(2, 3), then: added(2, 3)},
		{name: "sum one over", given: almost, when: item(1, 7), refused: tooMuch},
		{name: "sum just over in pairs", given: almost, when: item(2, 4), refused: tooMuch},
		{name: "full takes a gift", given: full, when: item(most, 0), then: added(most, 0)},
		{name: "full takes no cent", given: full, when: item(1, 1), refused: tooMuch},
	})
}

func TestPay(t *testing.T) {
	pay := order.Pay{AmountCents: 900}
	run(t, []decision{
		{name: "exactly", given: filled, when: pay, then: order.Paid{AmountCents: 900}},
		{
			name:  "sum of items",
			given: append(filled[:2:2], order.ItemAdded{SKU: "cup", Quantity: 1, UnitPriceCents: 101}),
			when:  order.Pay{AmountCents: 1001}, then: order.Paid{AmountCents: 1001},
		},
		{
			name: "only gifts", given: append(opened[:1:1], order.ItemAdded{SKU: "card", Quantity: 1}),
			when: order.Pay{}, then: order.Paid{},
		},
		{name: "no order", when: pay, refused: "the order does not exist: create it first"},
		{name: "empty", given: opened, when: order.Pay{}, refused: "the order has no items: there is nothing to pay"},
		{
			name: "too little", given: filled, when: order.Pay{AmountCents: 899},
			refused: "the amount is 899 cents and the total 900: pay exactly the total",
		},
		{
			name: "too much", given: filled, when: order.Pay{AmountCents: 901},
			refused: "the amount is 901 cents and the total 900: pay exactly the total",
		},
		{name: "twice", given: settled, when: pay, refused: "the order is paid: only an open order is paid"},
		{name: "shipped", given: gone, when: pay, refused: "the order is shipped: only an open order is paid"},
		{name: "cancelled", given: ended, when: pay, refused: "the order is cancelled: only an open order is paid"},
	})
}

func TestShip(t *testing.T) {
	ship := order.Ship{Carrier: "bike"}
	run(t, []decision{
		{name: "paid", given: settled, when: ship, then: order.Shipped{Carrier: "bike"}},
		{name: "no order", when: ship, refused: "the order does not exist: create it first"},
		{name: "not paid", given: filled, when: ship, refused: "the order is open: only a paid order is shipped, and only once"},
		{name: "twice", given: gone, when: ship, refused: "the order is shipped: only a paid order is shipped, and only once"},
		{
			name: "cancelled", given: append(settled[:3:3], order.Cancelled{}), when: ship,
			refused: "the order is cancelled: only a paid order is shipped, and only once",
		},
	})
}

func TestCancel(t *testing.T) {
	cancel := order.Cancel{Reason: "too late"}
	cancelled := order.Cancelled{Reason: "too late"}
	run(t, []decision{
		{name: "open and empty", given: opened, when: cancel, then: cancelled},
		{name: "open", given: filled, when: cancel, then: cancelled},
		{name: "paid", given: settled, when: cancel, then: cancelled},
		{name: "no reason", given: opened, when: order.Cancel{}, then: order.Cancelled{}},
		{name: "no order", when: cancel, refused: "the order does not exist: create it first"},
		{name: "shipped", given: gone, when: cancel, refused: "the order is shipped: it can be cancelled only before"},
		{name: "twice", given: ended, when: cancel, refused: "the order is cancelled already"},
	})
}

// run takes every decision the way a pipeline does: through the registry, its route and a folded aggregate. It asks twice,
// because deciding must not change the state: after a version conflict a pipeline asks again.
func run(t *testing.T, table []decision) {
	t.Helper()
	for _, d := range table {
		t.Run(d.name, func(t *testing.T) {
			r := registry(t)
			cmd := engine.NewCommand("order-1", d.when)
			route, err := r.Route(cmd)
			require.NoError(t, err)
			aggregate := route.NewAggregate()
			past, err := r.Events(nil, cmd, d.given, time.Now())
			require.NoError(t, err)
			for _, e := range past {
				require.NoError(t, aggregate.Evolve(e.Type, e.Data))
			}
			for range 2 {
				events, err := aggregate.Decide(t.Context(), route.Type, cmd, cmd.Data)
				if d.refused == "" {
					require.NoError(t, err)
					require.Equal(t, []any{d.then}, events)
					continue
				}
				require.Empty(t, events)
				require.ErrorIs(t, err, engine.ErrRejected)
				var rejected *engine.RejectedError
				require.ErrorAs(t, err, &rejected)
				require.Equal(t, d.refused, rejected.Reason)
			}
		})
	}
}

// registry is the registry of the order domain, sealed as a pipeline seals it.
func registry(t *testing.T) *engine.Registry {
	t.Helper()
	r := engine.NewRegistry(order.Module{})
	require.NoError(t, r.Seal())
	return r
}
