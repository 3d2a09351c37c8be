// Package storetest is the public conformance suite for stores: what passes it keeps every rule of [engine.Store], and
// with them the promises that the README numbers G1 to G7 and G10.
//
// In: a function that opens a store. Out: a test that fails with the promise that broke, and how. The parts:
//
//   - [Run] proves each rule by itself, on an empty store; one subtest for each rule, named by it.
//   - [RunDurable] proves what a store still knows when it is opened again.
//   - [Machine] compares random histories of every method with a model, [Differential] two stores with each other.
//   - [Linearizable] judges what concurrent clients were answered, [LongHistory] does so when there is too much to search.
//   - [Refused] shows that refused appends leave nothing behind.
//
// A store of one's own needs no more than this:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) engine.Store { return mystore.New() })
//	}
//
// Snapshots are looked at when the store is an [engine.Snapshotter], dead letters when it is an [engine.DeadLetterStore]. Payloads are [engine.Raw], so that stores with and
// without a codec take them. Kill -9, power loss and failing disks are not here: how to bring them about depends on the
// store.
//
// The random parts are short in a plain run. The flag -rapid.checks=2000 lengthens Machine and Differential; the
// environment variables ORCHESTRIX_HISTORIES, ORCHESTRIX_OPERATIONS, ORCHESTRIX_LONG and ORCHESTRIX_REFUSED lengthen the
// others, and ORCHESTRIX_SEED repeats one. A failure logs the command to run it again.
//
// Every rule has been seen to fail: this package's own tests hold stores that break one rule each, and demand that each
// of them is caught.
package storetest
