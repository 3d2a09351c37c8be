package order_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/order"
)

func TestEvolve(t *testing.T) {
	steps := []struct {
		event any
		want  order.Order
	}{
		{order.Created{Customer: "ada"}, order.Order{Status: "open", Customer: "ada"}},
		{
			order.ItemAdded{SKU: "tea", Quantity: 2, UnitPriceCents: 450},
			order.Order{Status: "open", Customer: "ada", Items: 1, TotalCents: 900},
		},
		{
			order.ItemAdded{SKU: "card", Quantity: 5},
			order.Order{Status: "open", Customer: "ada", Items: 2, TotalCents: 900},
		},
		{
			order.ItemAdded{SKU: "cup", Quantity: 1, UnitPriceCents: 101},
			order.Order{Status: "open", Customer: "ada", Items: 3, TotalCents: 1001},
		},
		{order.Paid{AmountCents: 1001}, order.Order{Status: "paid", Customer: "ada", Items: 3, TotalCents: 1001}},
		{order.Shipped{Carrier: "bike"}, order.Order{Status: "shipped", Customer: "ada", Items: 3, TotalCents: 1001}},
	}
	var o order.Order
	for _, step := range steps {
		before := o
		after := o.Evolve(step.event)
		require.Equal(t, step.want, after, "%T", step.event)
		require.Equal(t, before, o, "%T changed the order it was folded into", step.event)
		o = after
	}
}

func TestEvolveCancelled(t *testing.T) {
	o := order.Order{Status: "paid", Customer: "ada", Items: 1, TotalCents: 900}
	require.Equal(t,
		order.Order{Status: "cancelled", Customer: "ada", Items: 1, TotalCents: 900},
		o.Evolve(order.Cancelled{Reason: "lost"}))
}

// A reader may fold a whole log, with events of other domains in it.
func TestEvolvePassesOverForeignEvents(t *testing.T) {
	o := order.Order{Status: "open", Customer: "ada"}
	require.Equal(t, o, o.Evolve(struct{ Customer string }{"eve"}))
	require.Equal(t, o, o.Evolve(order.Cancel{}), "a command is no event")
	require.Equal(t, o, o.Evolve(nil))
}
