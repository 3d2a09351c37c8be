package engine

import "context"

// A Batch travels from the join to the store sink: what one turn made of one aggregate's waiting commands. An
// aggregate has at most one batch under way, so that its events are appended in ticket sequence whatever happens to the
// batches of other aggregates, even when a foreign stage reorders batches.
type Batch struct {
	// Appends are all for one aggregate: one for each command that was decided, in ticket sequence, then one that only asks
	// (Expected Never) for each command that failed.
	Appends []Append
	// Settle takes one Result for each append, in sequence. Whoever stores the batch calls it once, after the results are
	// durable, from any goroutine. It waits for nothing but a pipeline's dead letter sink that is full. A batch that is
	// settled is the pipeline's again, which uses its arrays for another one. Settle keeps no part of the results.
	Settle func([]Result)
}

// A Recorder is a sink that appends batches to a store: the rich form of a stream sink that a pipeline looks for.
type Recorder interface {
	// Store is where the batches go; the pipeline loads aggregates from it.
	Store() Store
	// Record takes batches over, not the slice. It does not wait for other callers. The Settle of each is called once it is
	// durable, or with errors; their commands get their outcomes when the last batch of the call is settled.
	Record(batches ...*Batch)
	// Run appends what is recorded until Close is called, flushes, and returns. It starts everything it uses and has ended
	// it when it returns. Once ctx is done, what was not yet appended answers with the context's error: nothing stored.
	Run(ctx context.Context) error
	// Close says that no further batch will come.
	Close()
}

// A Feeder is a source that hands over commands in batches: the rich form of a stream source that a pipeline looks for.
type Feeder interface {
	// Feed calls emit with commands in source sequence until the source ends or the context is done (nil), emit returns an
	// error (that error, as it is), or the source breaks. Emit blocks while the pipeline is full: backpressure. The slice is
	// emit's until it returns.
	Feed(ctx context.Context, emit func([]*Command) error) error
}

// A Starter is a stream outlet that starts nothing by itself: a pipeline that finds these methods binds it to its own
// life.
type Starter interface {
	// Start makes elements flow until the source ends or the context is done; the outlet is closed then.
	Start(ctx context.Context)
	// Err tells, after the outlet was closed, what ended the source: nil for its end or the context.
	Err() error
}
