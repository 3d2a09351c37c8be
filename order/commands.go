package order

// Create asks for a new order. Its wire name is order.create.
type Create struct {
	Customer string `json:"customer"` // who orders; not empty
}

// AddItem asks to put an item into an open order. Its wire name is order.add_item.
type AddItem struct {
	SKU            string `json:"sku"`              // which article; not empty
	Quantity       int64  `json:"quantity"`         // 1 or more
	UnitPriceCents int64  `json:"unit_price_cents"` // for one; 0 or more, a gift is free
}

// Pay asks to take a payment for the whole order. Its wire name is order.pay.
type Pay struct {
	AmountCents int64 `json:"amount_cents"` // exactly the total of the order
}

// Ship asks to hand a paid order to a carrier. Its wire name is order.ship.
type Ship struct {
	Carrier string `json:"carrier"` // who carries it; may be empty
}

// Cancel asks to end an order that is not shipped. Its wire name is order.cancel.
type Cancel struct {
	Reason string `json:"reason"` // why, in free words; may be empty
}
