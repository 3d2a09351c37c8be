// Package bench looks at Orchestrix from outside: it makes load, measures, and judges.
//
//   - [Orders] makes interleaved order commands from a seed, [Stress] drives a pipeline with many producers.
//   - [Audit] is the judge: it notes what was sent and what was answered, reads the store back, and counts what is out of
//     place.
//   - [Experiments] are what can be measured. Each gives one or more [Study]: rows of the same work done in several ways,
//     ours and baselines written by hand or with plain go-streams, which take turns in one run ([Measure], [Warm]); checks
//     against a bar; and the finding as a sentence. A [Report] holds them; [Compare] tells whether a later one differs.
//   - Package page draws a report; the peers, in a module of their own, bring other libraries into it.
//   - The house test holds the code itself against the rules of the project.
//
// It may import every other package; none imports it but page, the peers and the command line.
package bench
