package order_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
)

// commands and events are everything the module registers, with the JSON that a client or a stored log holds.
var (
	commands = []wire{
		{"order.create", order.Create{Customer: "ada"}, `{"customer":"ada"}`},
		{
			"order.add_item",
			order.AddItem{SKU: "tea", Quantity: 2, UnitPriceCents: 450},
			`{"sku":"tea","quantity":2,"unit_price_cents":450}`,
		},
		{"order.pay", order.Pay{AmountCents: 900}, `{"amount_cents":900}`},
		{"order.ship", order.Ship{Carrier: "bike"}, `{"carrier":"bike"}`},
		{"order.cancel", order.Cancel{Reason: "late"}, `{"reason":"late"}`},
	}
	events = []wire{
		{"order.created", order.Created{Customer: "ada"}, `{"customer":"ada"}`},
		{
			"order.item_added",
			order.ItemAdded{SKU: "tea", Quantity: 2, UnitPriceCents: 450},
			`{"sku":"tea","quantity":2,"unit_price_cents":450}`,
		},
		{"order.paid", order.Paid{AmountCents: 900}, `{"amount_cents":900}`},
		{"order.shipped", order.Shipped{Carrier: "bike"}, `{"carrier":"bike"}`},
		{"order.cancelled", order.Cancelled{Reason: "late"}, `{"reason":"late"}`},
	}
)

type wire struct {
	name string
	data any
	json string
}

func TestModuleRegistersEverything(t *testing.T) {
	require.Zero(t, unsafe.Sizeof(order.Module{}))
	r := registry(t)
	for _, c := range commands {
		for _, cmd := range []*engine.Command{
			engine.NewCommand("order-1", c.data),
			{Message: engine.Message{Type: c.name, Subject: "order-1", Data: engine.Raw(c.json)}},
		} {
			route, err := r.Route(cmd)
			require.NoError(t, err)
			require.Equal(t, c.name, route.Type)
			require.NotNil(t, route.NewAggregate, "a decider decides %s", c.name)
			require.Empty(t, route.Handlers)
		}
	}
	for _, e := range events {
		made, err := r.Events(nil, engine.NewCommand("order-1", order.Create{}), []any{e.data}, time.Now())
		require.NoError(t, err)
		require.Equal(t, e.name, made[0].Type)
		_, err = r.Route(&engine.Command{Message: engine.Message{Type: e.name}})
		require.ErrorIs(t, err, engine.ErrNoType, "%s is no command", e.name)
	}
}

// What is written to the wire and to the log is fixed: other programs and old logs hold it.
func TestModuleWireFormat(t *testing.T) {
	r := registry(t)
	for _, w := range append(commands[:5:5], events...) {
		t.Run(w.name, func(t *testing.T) {
			raw, err := r.Encode(&engine.Message{Type: w.name, Data: w.data})
			require.NoError(t, err)
			require.Equal(t, w.json, string(raw))
			back, err := r.Decode(&engine.Message{Type: w.name, Data: raw})
			require.NoError(t, err)
			require.Equal(t, w.data, back)
		})
	}
}

// A misspelled field of a command must not silently become a zero; an event keeps readable when it loses a field.
func TestModuleUnknownFields(t *testing.T) {
	r := registry(t)
	_, err := r.Decode(&engine.Message{Type: "order.pay", Data: engine.Raw(`{"amount":900}`)})
	require.ErrorContains(t, err, "amount")
	back, err := r.Decode(&engine.Message{Type: "order.paid", Data: engine.Raw(`{"amount_cents":900,"by":"card"}`)})
	require.NoError(t, err)
	require.Equal(t, order.Paid{AmountCents: 900}, back)
}

// The aggregate that decides has to fold the same events as Order.Evolve: after this history only Ship is allowed.
func TestModuleEvolvesEveryEvent(t *testing.T) {
	r := registry(t)
	ship := engine.NewCommand("order-1", order.Ship{Carrier: "bike"})
	route, err := r.Route(ship)
	require.NoError(t, err)
	aggregate := route.NewAggregate()
	reasons := []string{
		"the order is open: only a paid order is shipped, and only once",
		"the order is open: only a paid order is shipped, and only once",
		"",
		"the order is shipped: only a paid order is shipped, and only once",
		"the order is cancelled: only a paid order is shipped, and only once",
	}
	for i, e := range events {
		require.NoError(t, aggregate.Evolve(e.name, e.data))
		_, err := aggregate.Decide(t.Context(), route.Type, ship, ship.Data)
		if reasons[i] == "" {
			require.NoError(t, err, "after %s", e.name)
			continue
		}
		require.ErrorContains(t, err, reasons[i], "after %s", e.name)
	}
}

// What the module declares to make is what its rules make: each command meets each history that lets it through.
func TestModuleMakesWhatItDeclares(t *testing.T) {
	r := registry(t)
	require.Empty(t, r.Describe().Lint())
	declared, made := map[string][]string{}, map[string][]string{}
	for _, c := range r.Describe().Commands {
		declared[c.Type] = c.Handlers[0].Makes
	}
	for n := range events {
		for _, c := range commands {
			cmd := engine.NewCommand("order-1", c.data)
			route, err := r.Route(cmd)
			require.NoError(t, err)
			aggregate := route.NewAggregate()
			for _, e := range events[:n] {
				require.NoError(t, aggregate.Evolve(e.name, e.data))
			}
			payloads, _ := aggregate.Decide(t.Context(), c.name, cmd, c.data)
			stated, err := r.Events(nil, cmd, payloads, time.Now())
			require.NoError(t, err)
			for _, e := range stated {
				if !slices.Contains(made[c.name], e.Type) {
					made[c.name] = append(made[c.name], e.Type)
				}
			}
		}
	}
	require.Equal(t, declared, made)
}

// Two aggregates made of one registry share nothing.
func TestModuleAggregatesAreApart(t *testing.T) {
	r := registry(t)
	cmd := engine.NewCommand("order-1", order.Create{Customer: "ada"})
	route, err := r.Route(cmd)
	require.NoError(t, err)
	one, other := route.NewAggregate(), route.NewAggregate()
	require.NoError(t, one.Evolve("order.created", order.Created{Customer: "ada"}))
	_, err = one.Decide(t.Context(), route.Type, cmd, cmd.Data)
	require.ErrorIs(t, err, engine.ErrRejected)
	_, err = other.Decide(t.Context(), route.Type, cmd, cmd.Data)
	require.NoError(t, err)
}

func ExampleModule() {
	r := engine.NewRegistry(order.Module{})
	if err := r.Seal(); err != nil { // a pipeline does this
		fmt.Println(err)
		return
	}
	var o order.Order
	route, _ := r.Route(engine.NewCommand("order-1", order.Create{}))
	aggregate := route.NewAggregate()
	for _, data := range []any{
		order.Create{Customer: "ada"},
		order.AddItem{SKU: "tea", Quantity: 2, UnitPriceCents: 450},
		order.Ship{Carrier: "bike"},
		order.Pay{AmountCents: 900},
	} {
		cmd := engine.NewCommand("order-1", data)
		route, _ := r.Route(cmd)
		payloads, err := aggregate.Decide(context.Background(), route.Type, cmd, data)
		if err != nil {
			var rejected *engine.RejectedError
			errors.As(err, &rejected)
			fmt.Println(rejected)
			continue
		}
		made, _ := r.Events(nil, cmd, payloads, cmd.Time)
		for _, e := range made {
			_ = aggregate.Evolve(e.Type, e.Data)
			o = o.Evolve(e.Data)
			fmt.Printf("%s: %s, %d cents\n", e.Type, o.Status, o.TotalCents)
		}
	}
	// Output:
	// order.created: open, 0 cents
	// order.item_added: open, 900 cents
	// rejected: the order is open: only a paid order is shipped, and only once
	// order.paid: paid, 900 cents
}
