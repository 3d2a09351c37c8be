package order

import "github.com/orchestrix-go/orchestrix/engine"

// Module registers the order domain: engine.NewRegistry(order.Module{}).
type Module struct{}

var _ engine.Module = Module{}

// Register enters every command with its rule and every event with what it does to an [Order]. The names are the wire
// names; renaming one would make stored events unreadable. What a command makes is declared for drawings: see
// engine.Topology.
func (Module) Register(r *engine.Registry) {
	d := engine.NewDecider(r, "order", func() Order { return Order{} })

	engine.Decide(d, "order.create", create).Makes("order.created")
	engine.Decide(d, "order.add_item", addItem).Makes("order.item_added")
	engine.Decide(d, "order.pay", pay).Makes("order.paid")
	engine.Decide(d, "order.ship", ship).Makes("order.shipped")
	engine.Decide(d, "order.cancel", cancel).Makes("order.cancelled")

	engine.Evolve(d, "order.created", Order.created)
	engine.Evolve(d, "order.item_added", Order.itemAdded)
	engine.Evolve(d, "order.paid", Order.paid)
	engine.Evolve(d, "order.shipped", Order.shipped)
	engine.Evolve(d, "order.cancelled", Order.cancelled)
}
