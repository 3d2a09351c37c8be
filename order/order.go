package order

// Status says where in its life an order is: "" before it was created, then "open", "paid", "shipped" or "cancelled".
type Status string

const (
	none      Status = "" // the zero Order: an empty stream
	open      Status = "open"
	paid      Status = "paid"
	shipped   Status = "shipped"
	cancelled Status = "cancelled"
)

// Order is the state of one order, folded from its events: what the rules need to know and no more. It is a plain value
// without pointers, so that whoever holds one cannot change another's. The zero Order is one that does not exist yet.
type Order struct {
	Status     Status
	Customer   string
	Items      int   // lines in the order: one for each item added, whatever its quantity
	TotalCents int64 // sum of quantity times unit price; never negative, never overflown
}

// Evolve folds one event into the order and gives the order after it; o itself is not changed. An event of another domain
// changes nothing, so that a reader may fold a whole log. The methods it calls check no rule: an event states what has
// happened, and the rules were asked before.
func (o Order) Evolve(event any) Order {
	switch e := event.(type) {
	case Created:
		return o.created(e)
	case ItemAdded:
		return o.itemAdded(e)
	case Paid:
		return o.paid(e)
	case Shipped:
		return o.shipped(e)
	case Cancelled:
		return o.cancelled(e)
	}
	return o
}

func (o Order) created(e Created) Order {
	o.Status, o.Customer = open, e.Customer
	return o
}

func (o Order) itemAdded(e ItemAdded) Order {
	o.Items++
	o.TotalCents += e.Quantity * e.UnitPriceCents
	return o
}

func (o Order) paid(Paid) Order {
	o.Status = paid
	return o
}

func (o Order) shipped(Shipped) Order {
	o.Status = shipped
	return o
}

func (o Order) cancelled(Cancelled) Order {
	o.Status = cancelled
	return o
}
