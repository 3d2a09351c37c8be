package pipeline

import (
	"errors"
	"fmt"
	"time"

	"github.com/reugn/go-streams"
	"go.uber.org/zap"
)

// Options of a pipeline. The zero value works.
type Options struct {
	// Workers is the number of aggregates that are handled at once, 1 to 65536. Zero means 64: enough that handlers which
	// wait overlap. Goroutines are started when they are needed; no more compute at once than there are processors.
	Workers int
	// Window is the number of commands in flight: admitted and without an outcome. When it is full no source is read. 1 to
	// 1048576. Zero means 4096.
	Window int
	// Share is how many commands of one aggregate may be in flight at once, 1 to Window, so that an aggregate that hangs or
	// is hot cannot take the window from the others. Who brings one more waits until one of them has its outcome: a Do or
	// Send alone, a source with all that it has behind that command; other callers and sources do not notice. How long a
	// single source can read past an aggregate that hangs is therefore a matter of Share, and of Window. Zero means a tenth
	// of the window, and at least 1: nine tenths are always left to the others.
	Share int
	// Limits bound how fast or how many at once commands are handled, by type and by group. None means no bounds.
	Limits []Limit
	// Batch is the number of waiting commands of one aggregate that are handled and appended together, and with it the
	// number of stateless commands of one aggregate that overlap. 1 to 4096. Zero means 256.
	Batch int
	// Cache is the number of aggregates whose state is kept in memory after their last command. Zero means 10000; negative
	// keeps none.
	Cache int
	// Conflicts is how often in a row the commands of an aggregate are decided again because another writer owned the
	// version, before the first of them is dead-lettered. 1 to 1000. Zero means 20.
	Conflicts int
	// Retry says which failures are attempted again, and when.
	Retry RetryPolicy
	// Policy says what a dead letter means for the later commands of its aggregate. Zero means Skip: they go on.
	Policy Policy
	// Policies are exceptions from Policy, by command type. Nil means none.
	Policies map[string]Policy
	// HandlerTimeout is how long one call of a handler or a decider may take. Then its context is cancelled, and it has failed
	// with engine.ErrTimeout; when it does not return soon, it is abandoned: its goroutine is left to itself and what it makes
	// is dropped. A timeout is retried as Retry says, and meanwhile the aggregate waits. Zero means 30 s; negative means no limit.
	HandlerTimeout time.Duration
	// CommandTimeout is how long a command may take from its admission on, with all attempts and pauses, until it is with the
	// store. What is handled by then is cut off as by HandlerTimeout. Zero means no limit.
	CommandTimeout time.Duration
	// Abandoned is how many abandoned handlers may run on. When there are so many, no more is read. 1 to 1048576. Zero means
	// 1000.
	Abandoned int
	// DrainTimeout bounds the drain after the context was cancelled; then handlers are cancelled too. Zero means 10 s.
	DrainTimeout time.Duration
	// DeadLetters takes a *engine.DeadLetter for each command that could not be handled. The pipeline closes its inlet and
	// waits for it. While it is full nothing is appended, so it must be fast and must not wait for the pipeline itself. Nil
	// means none: dead letters are in the store, and those that it does not keep are only logged and counted.
	DeadLetters streams.Sink
	// Logger takes warnings, and one line for each dead letter that neither the store nor a sink takes. Nil means no log.
	Logger *zap.Logger
}

// withDefaults fills in what is zero and reports every fault at once.
func (o Options) withDefaults() (Options, error) {
	var errs []error
	number := func(name string, value *int, zero, most int) {
		if *value == 0 {
			*value = zero
		}
		if *value < 1 || *value > most {
			errs = append(errs, fmt.Errorf("pipeline: Options.%s is %d: give 1 to %d, or 0 for %d", name, *value, most, zero))
		}
	}
	number("Workers", &o.Workers, 64, 1<<16)
	number("Window", &o.Window, 4096, 1<<20)
	number("Share", &o.Share, max(1, o.Window/10), max(1, o.Window))
	number("Batch", &o.Batch, 256, 4096)
	number("Conflicts", &o.Conflicts, 20, 1000)
	number("Abandoned", &o.Abandoned, 1000, 1<<20)
	switch {
	case o.Cache == 0:
		o.Cache = 10_000
	case o.Cache < 0:
		o.Cache = 0
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 10 * time.Second
	}
	if o.HandlerTimeout == 0 {
		o.HandlerTimeout = 30 * time.Second
	}
	if o.CommandTimeout < 0 {
		errs = append(errs, fmt.Errorf("pipeline: Options.CommandTimeout is %v: give a positive duration, or 0 for none", o.CommandTimeout))
	}
	if o.DrainTimeout < 0 {
		errs = append(errs, fmt.Errorf("pipeline: Options.DrainTimeout is %v: give a positive duration, or 0 for 10 s", o.DrainTimeout))
	}
	var err error
	if o.Retry, err = o.Retry.withDefaults(); err != nil {
		errs = append(errs, err)
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return o, errors.Join(errs...)
}
