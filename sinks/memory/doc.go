// Package memory is the store for tests, demonstrations and caches: it keeps events in the memory of this process, as
// the Go values they are, and forgets them when the process ends.
//
// In: [engine.Append] batches, from any number of goroutines. Out: one [engine.Result] for each append, and the stored
// events again, by aggregate (Load) or all of them (Read). Nothing is encoded, so payloads come back as the same Go
// values; whoever appended a pointer must not change what it points to. A time comes back without the reading of the
// monotonic clock, as from any other store.
//
// The store keeps every rule of [engine.Store] but durability: G1 is not its promise, and its Capabilities say so.
// Memory is bounded by what is appended, for nothing but dead letters is ever removed. What must survive a restart belongs into
// sinks/sqlite. The rules themselves are proved by sinks/storetest.
//
// How it is built, from the inside out: a log that grows by pages and never copies a record, one stream for each
// aggregate that holds only places in that log, an index of the streams by name, and an index of command ids that leads to
// their first events, or to a receipt where there are none. One mutex guards them all; a call takes it once, whatever the
// number of its appends. Stored events never change, so a reader takes the mutex only to note how far the log goes, and then
// reads without it.
package memory
