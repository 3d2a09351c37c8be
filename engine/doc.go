// Package engine holds the words and the promises of Orchestrix.
//
// What lives here: the [Message] envelope with [Command] and [Event]; the [Registry] of message types, handlers,
// deciders and modules; [Middleware] around them and the [Topology] of it all; the two buses, [SyncBus] and [AsyncBus],
// and the adapters between them; the contract of a [Store], and of one that keeps each [DeadLetter]; the codec; what passes
// between the rooms ([Batch], [Recorder], [Feeder]); and every error, with the class it is of.
//
// What does not: the moving belt is in package pipeline, where messages come from in sources, where they rest in sinks.
// Nothing here knows of go-streams, and no goroutine outlives a call, with one exception that says so: [NonBlocking].
//
// # One idea
//
// A command enters once, moves in one direction, and leaves as exactly one [Outcome]. Its events are appended to the
// stream of its aggregate in the sequence in which the commands arrived, all or none, and only then does anybody hear of
// them.
//
// # Words
//
//	command      a Message that asks
//	event        a Message that states
//	handler      a function for one command type: it returns the payloads of events
//	decider      decide(ctx, state, command) -> events, evolve(state, event) -> state
//	ticket       the admission number of a command within its aggregate
//	version      the number of events in an aggregate's stream; the first event has version 1
//	position     the place of an event in the whole log
//	outcome      what became of a command: accepted, rejected, dead-lettered or unknown
//	dead letter  a command that could not be handled, whole, with why
//
// # For those who write a domain
//
// [NewRegistry] with [OnCommand], [RegisterEvent], [NewDecider], [Decide], [Evolve] and [Reject]; [NewCommand] makes
// commands, [Outcome] is what comes back. [Temporary] and [Permanent] say of an error whether it is worth another try;
// [Retryable] has the rule for all others. The rest is for those who write something else.
//
// # Middleware
//
// A [Middleware] is func(next) next with a name. One fits command handlers, deciders and the handlers of a bus:
// [Registry.Use] puts it around all handlers of a registry, [Registry.UseFor] around those of one command, BusOptions.Use
// around those of a bus. The first that is used is the outermost, and what is for one command is inside of what is for all.
// The chain is made once, when the registry is sealed or a handler subscribes, and a registry without middleware calls the
// same functions as before. Package engine/middleware has timeouts, retry, validation, limits, a circuit breaker, a log and
// traces. [Registry.Describe] tells what stands around what.
//
// # For those who write a store, a source or a stage
//
// A store is a [Store]: [Append], [Result], [Expected], [CheckAppend]; [Snapshotter], [PayloadEncoder] and
// [DeadLetterStore] if it can. A source may be a [Feeder] or a [Starter], a sink a [Recorder] of [Batch]. [FanOut],
// [Route], [Handler] and [Aggregate] are what a pipeline is built of.
//
// # Idempotency
//
// The id of a command is stored with its events, and with its rejection. The same id again gives the first outcome,
// after any time and any number of restarts, and adds nothing. Events may be delivered more than once; they are appended
// once per command id.
package engine
