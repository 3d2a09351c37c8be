package order

import (
	"context"
	"math"

	"github.com/orchestrix-go/orchestrix/engine"
)

// The functions below are the rules, one for each command. Each is pure: the same state and command always give the same
// answer. The reasons hold numbers and states but no text of the command, which may be long or private.

func create(_ context.Context, o Order, cmd Create) ([]any, error) {
	switch {
	case o.Status != none:
		return nil, engine.Reject("the order exists already: it is %s", o.Status)
	case cmd.Customer == "":
		return nil, engine.Reject("customer is empty: an order belongs to somebody")
	}
	return []any{Created(cmd)}, nil
}

func addItem(_ context.Context, o Order, cmd AddItem) ([]any, error) {
	if err := o.exists(); err != nil {
		return nil, err
	}
	switch {
	case o.Status != open:
		return nil, engine.Reject("the order is %s: items are added only while it is open", o.Status)
	case cmd.SKU == "":
		return nil, engine.Reject("sku is empty: an item names its article")
	case cmd.Quantity < 1:
		return nil, engine.Reject("quantity is %d: it must be at least 1", cmd.Quantity)
	case cmd.UnitPriceCents < 0:
		return nil, engine.Reject("unit price is %d cents: it must not be negative", cmd.UnitPriceCents)
	case !o.fits(cmd):
		return nil, engine.Reject("the total would pass %d cents, the most that can be counted", int64(math.MaxInt64))
	}
	return []any{ItemAdded(cmd)}, nil
}

func pay(_ context.Context, o Order, cmd Pay) ([]any, error) {
	if err := o.exists(); err != nil {
		return nil, err
	}
	switch {
	case o.Status != open:
		return nil, engine.Reject("the order is %s: only an open order is paid", o.Status)
	case o.Items == 0:
		return nil, engine.Reject("the order has no items: there is nothing to pay")
	case cmd.AmountCents != o.TotalCents:
		return nil, engine.Reject("the amount is %d cents and the total %d: pay exactly the total",
			cmd.AmountCents, o.TotalCents)
	}
	return []any{Paid(cmd)}, nil
}

func ship(_ context.Context, o Order, cmd Ship) ([]any, error) {
	if err := o.exists(); err != nil {
		return nil, err
	}
	if o.Status != paid {
		return nil, engine.Reject("the order is %s: only a paid order is shipped, and only once", o.Status)
	}
	return []any{Shipped(cmd)}, nil
}

func cancel(_ context.Context, o Order, cmd Cancel) ([]any, error) {
	if err := o.exists(); err != nil {
		return nil, err
	}
	switch o.Status {
	case shipped:
		return nil, engine.Reject("the order is shipped: it can be cancelled only before")
	case cancelled:
		return nil, engine.Reject("the order is cancelled already")
	}
	return []any{Cancelled(cmd)}, nil
}

// exists refuses every command but Create on an order that was never created.
func (o Order) exists() error {
	if o.Status == none {
		return engine.Reject("the order does not exist: create it first")
	}
	return nil
}

// fits tells whether the total stays countable with the item in it. It divides instead of multiplying, because a product
// that has overflown can look like any number. Quantity is at least 1 and neither price nor total is negative.
func (o Order) fits(item AddItem) bool {
	return item.UnitPriceCents <= (math.MaxInt64-o.TotalCents)/item.Quantity
}
