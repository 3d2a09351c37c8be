// Package sources holds where messages come from.
//
// What lives here: sources of commands made of a channel ([Chan]), a slice ([Slice]), an iterator ([Seq], [Seq2]) or
// lines of CloudEvents JSON ([JSONLines]), the source of commands that reads dead letters again ([DeadLetters]), and the
// source of events that reads the stored log ([Log], [LogToEnd]).
//
// What does not: what happens to a command is in package pipeline, where events rest in sinks, the words themselves in
// engine. Sources made elsewhere need nothing from here: a pipeline reads any streams.Source of go-streams.
//
// Data in: whatever the constructor was given. Data out: single elements from Out, as go-streams has it, or batches of
// commands from [Source.Feed], which costs a small part of that for each command. One source goes one of the two ways,
// once.
//
// # What all sources here keep
//
//   - A constructor starts nothing and takes nothing. The first element is taken when somebody asks for elements.
//   - Elements come in the sequence in which they were read, none twice.
//   - Nothing is taken while nobody has room for it, except for one or two batches of at most 256 elements; each
//     constructor says how many.
//   - A context that is done ends the source in bounded time, and is no error.
//   - A panic in code that was given to a source ends that source with a *engine.PanicError, not the program.
//   - A source closes the channel it made, and nothing that it was given: no file, no channel.
//
// # Chains
//
// Via gives a chain of stages that remembers its source. A chain starts nothing either, until To, Out or Start is
// called, so that a pipeline can bind the source to its own context first. When that context is done the source closes
// the first stage and the stages close one after another, as go-streams has it; whoever reads the end of the chain has
// to read until it is closed. Give a chain to a pipeline or to one sink, never to Via of another source: a chain has a
// source already.
package sources
