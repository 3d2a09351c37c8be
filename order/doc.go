// Package order is the worked domain: an online order, from its first item to its shipping, as one aggregate.
//
// # Looking for event sequence?
//
// Order is a domain here and nothing else. That the events of one aggregate stand in the sequence in which its commands
// arrived is guarantee G3 of the README; the ordered-append stage in package sinks keeps it, and order/sequence_test.go
// proves it over interleaved commands of many orders.
//
// # What lives here
//
// The five commands ([Create], [AddItem], [Pay], [Ship], [Cancel]), the five events that they cause ([Created],
// [ItemAdded], [Paid], [Shipped], [Cancelled]), the state [Order] that is folded from the events, the rules, and the
// [Module] that registers all of it in a registry. Commands go in, events or a rejection with its reason come out.
//
// What does not live here: anything that waits. The rules are pure functions of state and command, so that they can be
// tested without a store, and so that deciding again after a version conflict is harmless. Queues and storage are in the
// packages pipeline and sinks; nothing of them is imported here.
//
// # The life of an order
//
//	order.create ──▶ open ──order.pay──▶ paid ──order.ship──▶ shipped
//	                 │  ▲ order.add_item   │
//	                 └──┴──order.cancel────┴──▶ cancelled
package order
