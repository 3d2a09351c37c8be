// Package pipeline is the moving belt: it takes commands through admission, lanes, workers, handlers and their join, and
// hands what they made to a store sink.
//
//	in   commands, from any go-streams outlet, from Do or from Send
//	out  batches for an engine.Recorder, which package sinks makes of a store; one outcome for each command
//
// Where commands come from is in package sources, where events rest in sinks, the words in engine.
//
// # The stages
//
//   - Admit. A command takes a place in the window (Options.Window commands in flight) and gets its ticket. When the
//     window is full, the source is not read: backpressure, never a drop. One aggregate has at most its share of the
//     window (Options.Share): see Fairness.
//   - Lane. The commands of one aggregate queue in its lane. Different aggregates never share one. A lane is made on
//     demand and freed when it is empty; a bounded cache keeps the state of those used last.
//   - Worker. Workers take ready lanes, the one ready longest first, each with up to Options.Batch of its commands: under
//     load a hot aggregate costs less for each command. They take several small lanes at once where nothing waits. Only
//     as many run as there are processors; up to Options.Workers aggregates are under way when handlers wait.
//   - Fan-out and join. All handlers of all commands of the turn run at once; then the decider decides the commands one
//     after another, in ticket sequence, on the state folded in memory. Events stand in registration sequence. Handlers
//     that proved quick run without a goroutine each, until one of them waits.
//   - Lookout. It finds code that waits unforeseen, and frees the lanes, calls and finished turns that stand behind it;
//     it cuts off code whose time is over, and goes on without code that is deaf to that.
//   - Ordered append. The batch goes to the sink, each command an atomic append with the version it was decided on.
//   - Settle. Only when the append is durable is the outcome told: to the caller, to the source, to the report.
//
// # Sequence
//
// Commands of one aggregate that enter one after another are decided and appended in that sequence, whatever their
// handlers take. An aggregate has at most one batch under way, and what a conflict sends back goes to the head of its
// lane: nothing can overtake. Between aggregates there is no sequence.
//
// # Fairness
//
// One aggregate that hangs, or is much hotter than the others, costs them its share of the window and nothing else, and has
// no way to more. Who brings a command for an aggregate that has its share waits without a place in the window, first come
// first served. Do and Send wait alone. A source gives its commands one after another, and none of them may overtake another
// of its aggregate or be kept in memory without a limit: so it waits as a whole until that one command has entered. Until
// then the other aggregates of that source go on at nine tenths of their rate at least (with the share that is the default),
// even where nothing but the window bounds it; those of other sources, of Do and of Send do so for ever. A timeout of the
// handler, a larger share or a larger window let a single source read further.
//
// Limits ([Limit]) bound how fast, or how many at once, commands of a type or of a group, as of a tenant, are handled. The
// lane of a command that is over a limit rests until its token is due, or until it is called to a place that fell free; both
// are given in the sequence in which they were asked for. A group has a share of the window as an aggregate has.
//
// # Status
//
// [Pipeline.Status] says which lanes are held up, by what and since when, and what waits behind them. It keeps no books: it
// looks at all lanes when it is asked, some at a time, so that a command costs nothing more for it.
//
// # Stop
//
// When Run's context is done no more is read, and what was read is finished. After Options.DrainTimeout, or at [Pipeline.Cut],
// the work is cut: handlers are cancelled, nothing more is decided, and a [StoppedError] names what was left and what it
// waited for. A source that ignores its context is read no further, and left behind by name.
//
// # Failure
//
// A rejection ([engine.Reject]) is stored and answered; it is conditional on the version it was decided on. A version
// owned by another writer is decided again, a bounded number of times, with full jitter.
//
// What may pass ([engine.Retryable], or what Options.Retry says) is attempted again after a pause, a bounded number of times:
// only the handlers that failed run again, the commands behind it in its lane wait, and nobody else does. A store that does
// not answer is asked again with the same command id, which is stored once; when it never does, the outcome is unknown.
//
// Handlers, deciders, the folding of a state and codecs have a time, Options.HandlerTimeout for each call; a command may have
// one for all that becomes of it, Options.CommandTimeout. The lookout cancels the context of a call when its time is over,
// with a [engine.TimeoutError] as the cause, and whatever the call gives then but a panic, it has failed. Code that does not
// return within half a second more is abandoned: the belt goes on as if it had returned the timeout, with the results of all
// others, while its goroutine is left to itself, with all that it may still touch. Its worker is replaced. It is counted
// (Pipeline.Abandoned) until it comes back, to find that nobody waits for it; when Options.Abandoned run on, no more is read.
//
// Code that was given to the pipeline may panic, or end its goroutine (runtime.Goexit, as a failed require does), wherever it
// is called, or give an error that does not bear to be asked, as a nil pointer of an error's type, which counts as a panic: a
// handler, a decider, a codec and a store cost one command then, or the appends that the store had, whose outcome is unknown;
// a source, the dead letter sink and a sink behind the store cost themselves, and are the error of Run; a Settled, a logger
// and Options.Retry.Retryable cost nothing. A recorder that loses what it took ends the run, with the drain timeout.
// What runs in goroutines of others, as the stages of go-streams do, cannot be guarded from here.
//
// A handler's other errors and its panics, an unknown type, a payload that cannot be read: the command is dead-lettered, and
// nothing of it is stored. A store that keeps dead letters ([engine.DeadLetterStore]) gets it through the ordered append as
// events are: when the outcome is told, the letter is as durable as they are. Then the lane goes on (Skip), or the aggregate is
// parked (Park): its later commands become letters that wait behind the first, in sequence, across restarts. An aggregate is
// parked because its store says so, and who asks is each turn: the command that it is parked behind goes through when it
// comes again, from wherever; when it is stored its letter is gone and the next one goes through. A replay of dead letters is
// therefore a source like any other.
//
// Letters are read, edited and dropped by the methods of that store, or by the command orchestrix letters;
// sources.DeadLetters gives their commands again. A store keeps [engine.MaxDeadLetters]; one more ends the run. Options.DeadLetters
// is told of each; what the store does not keep is there only, or without it in the log. Park needs a store that keeps letters.
//
// # How it is built
//
// Each file is one noun. Along the way of a command:
//
//	in       intake, read: from sources; receipt: from Do and Send; window, quota, admission, limit, claim, group: how many, and how fast
//	lane     lane, lanes, ready: the queue of an aggregate, all of them, those that are ready
//	work     workers, worker, post, lookup: who takes which lanes; turn, task: one time that commands of a lane are handled;
//	         pace: how long handlers take;
//	         calls, outing: handlers inline, or in goroutines; folding: a state from its events; decide, decision: deciders;
//	         guard: around code of others
//	out      round: what goes to the sink together; settle, settlement, tally: what the store made of it, told and counted
//	beside   lookout, leash, timeout, abandoned: time; retry, rest, park, deadletter, lettersink: failure; shift, stopped: the end;
//	         status, survey, meter, report: what is to be seen;
//	         foreign, sound, crew: others' code, its errors, and the goroutines that it may end
package pipeline
