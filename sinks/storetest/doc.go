// Package storetest is the public conformance suite for stores: what passes it keeps every rule of [engine.Store], and
// with them the promises that the README numbers G1 to G7 and G10.
//
// In: a function that opens an empty store. Out: one subtest for each rule, named by it. A failure says which promise
// broke and how. Run is for every store; RunDurable is for those that keep their events when they are closed.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) engine.Store { return mystore.New() })
//	}
//
// Payloads are [engine.Raw], so that stores with and without a codec take them. Kill -9, power loss and failing disks are
// not here: how to bring them about depends on the store.
package storetest
