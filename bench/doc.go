// Package bench looks at Orchestrix from outside: it makes load, measures, and judges.
//
//   - [Orders] makes interleaved order commands from a seed, [Stress] drives a pipeline with many producers,
//     [Seed] runs the scenario that asks what concurrency is worth when handlers wait.
//   - [Audit] is the judge: it notes what was sent and what was answered, reads the store back, and counts what is out of
//     place.
//   - The house test holds the code itself against the rules of the project.
//
// It may import every other package; none imports it but the command line.
package bench
