// Package sinks is where messages come to rest.
//
//	in   batches of decided commands (Store), or single elements of any stream (Func, JSONLines)
//	out  durable events, and whatever a function or a writer makes of them
//
// [NewStore] makes a store sink: its ordered-append stage takes batches of many aggregates, appends what is ready as one
// group, and settles each batch only when the group is durable. Sinks behind it ([Store.Then]) get the stored events from
// the log, never from the hand of the writer: nobody sees an event that is not stored.
//
// The stores themselves are in folders of their own: sinks/memory, sinks/sqlite. sinks/storetest proves a store. What is
// decided, and in which sequence, is the business of package pipeline.
package sinks
