package order

// Events have the fields of the command that caused them, but are types of their own: a command can be asked for in new
// ways at any time, while an event that is stored must stay readable for ever.

// Created states that the order exists. Its wire name is order.created.
type Created struct {
	Customer string `json:"customer"`
}

// ItemAdded states that an item was put into the order. Its wire name is order.item_added.
type ItemAdded struct {
	SKU            string `json:"sku"`
	Quantity       int64  `json:"quantity"`
	UnitPriceCents int64  `json:"unit_price_cents"`
}

// Paid states that the total was paid. Its wire name is order.paid.
type Paid struct {
	AmountCents int64 `json:"amount_cents"`
}

// Shipped states that a carrier has the order. Its wire name is order.shipped.
type Shipped struct {
	Carrier string `json:"carrier"`
}

// Cancelled states that the order ended without being shipped. Its wire name is order.cancelled.
type Cancelled struct {
	Reason string `json:"reason"`
}
