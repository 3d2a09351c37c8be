// Package simulate runs the whole engine in virtual time, with everything going wrong that a seed can think of, and looks
// whether what is promised holds.
//
// One seed makes one world: an input of commands, a memory store that outlives everything, the options of a pipeline, and
// a fault layer between the pipeline and all that it calls. Pipelines follow each other in it (lives): each is drained, cut
// or crashed at some moment, and the next one gets the same store and whatever of the input has not been acknowledged.
// Then the faults stop, and everything must converge. What came of it is held against a model that knows every effect,
// because it stands in front of the store.
//
// Two rules make a seed replay. Every delay ends at an instant of its own, so that no two ever tie; and every fault
// follows from the seed and from what it befalls (the third call of the second handler for command 17), not from who asks
// first. Where several things follow at once from one instant, it is up to the processors which comes first; so the seeds
// that are run twice have worlds with room enough, and one processor.
//
// The package has tests only. Stores have a simulation of their own in sinks/sqlite: power cuts, failing calls, kills.
package simulate
