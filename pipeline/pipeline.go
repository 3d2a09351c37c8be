package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/reugn/go-streams"
	"go.uber.org/zap"

	"github.com/orchestrix-go/orchestrix/engine"
)

// A Pipeline takes commands through admission, lanes, workers, handlers and their join to a store sink. It is used once:
// by Run, or by Dispatch as one stage of a go-streams chain. Its other methods may be called from many goroutines.
type Pipeline struct {
	registry *engine.Registry
	sink     engine.Recorder
	store    engine.Store           // of the sink
	encoder  engine.PayloadEncoder  // nil when the store keeps payloads as they are
	letters  engine.DeadLetterStore // nil when the store keeps no dead letters
	instant  bool                   // the store waits for nothing
	options  Options

	window      *window
	lanes       *lanes
	meter       *meter
	paces       sync.Map   // *engine.Route to its *pace
	rounds      *sync.Pool // of *round; apart, as lanes.turns
	receipts    *sync.Pool // of *Receipt, for Do; apart, as those
	oneByOne    bool       // foreign stages follow, which may hold up one batch and not another: every turn is a round
	crew        crew
	outings     outings
	abandoned   abandoned
	posts       []*post // of the shift; set before open
	used        atomic.Bool
	letterSink  letterSink                                          // is told of dead letters
	stopReading context.CancelFunc                                  // of sources; set as emit is
	haltCause   atomic.Pointer[error]                               // why halt stopped the reading
	emit        func(work context.Context, batches []*engine.Batch) // to the sink; set before the first worker starts
	cut         atomic.Bool                                         // the drain timeout ran out: nothing more is decided
	cutNow      atomic.Bool                                         // cutting is closed
	cutting     chan struct{}                                       // Cut closes it; nobody sends
	open        atomic.Bool                                         // started is closed
	started     chan struct{}                                       // closed when admission opens; nobody sends
	givenUp     chan struct{}                                       // closed when a cut pipeline waits for nobody any more; nobody sends
	ended       chan struct{}                                       // closed when Run or the chain has ended; nobody sends
}

// New makes a pipeline from a registry and a store sink, as sinks.NewStore makes one. It starts nothing. It seals the
// registry and reports every fault in it and in the options at once.
func New(registry *engine.Registry, sink engine.Recorder, options Options) (*Pipeline, error) {
	var errs []error
	if registry == nil {
		errs = append(errs, errors.New("pipeline: registry is nil: make one with engine.NewRegistry"))
	} else if err := registry.Seal(); err != nil {
		errs = append(errs, err)
	}
	var store engine.Store
	if sink == nil {
		errs = append(errs, errors.New("pipeline: sink is nil: make one with sinks.NewStore"))
	} else if store = sink.Store(); store == nil {
		errs = append(errs, errors.New("pipeline: the sink's store is nil: open one, as with memory.New"))
	}
	options, err := options.withDefaults()
	if registry != nil && store != nil {
		err = errors.Join(err, options.checkPolicies(registry, store))
	}
	var limits *limits
	if registry != nil {
		var fault error
		limits, fault = newLimits(&options, registry)
		err = errors.Join(err, fault)
	}
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	p := &Pipeline{
		registry: registry, sink: sink, store: store, options: options,
		window: newWindow(options.Window), lanes: newLanes(options.Batch, options.Cache, runtime.GOMAXPROCS(0)), meter: newMeter(),
		rounds:  &sync.Pool{New: func() any { return new(round) }},
		cutting: make(chan struct{}), started: make(chan struct{}), givenUp: make(chan struct{}), ended: make(chan struct{}),
	}
	p.receipts = newReceipts(p.ended)
	p.letterSink.sink = options.DeadLetters
	p.abandoned.most, p.abandoned.full = options.Abandoned, p.halt
	p.lanes.share, p.lanes.limits = options.Share, limits
	p.instant = store.Capabilities().Instant
	p.lanes.patient = !p.instant
	p.encoder, _ = store.(engine.PayloadEncoder)
	p.letters, _ = store.(engine.DeadLetterStore)
	return p, nil
}

// Run reads the sources until they end, or without a source until ctx is done, and meanwhile takes what Do and Send
// admit. It returns when every admitted command has its outcome and every goroutine it started has ended.
//
// A source may be one of package sources, any go-streams Source or Flow, or several, read side by side; commands of one
// source for one aggregate keep their sequence. When ctx is done, reading stops and what was read is finished; once
// Options.DrainTimeout is over too, or Cut is called, handlers are cancelled and the rest is dead-lettered with ErrStopped.
// The error joins what the sources, the sink and the stop (a *StoppedError, which names what was left) had to say, and
// names the sources that ignore their context; a command's failure is its outcome, not Run's error.
func (p *Pipeline) Run(ctx context.Context, from ...streams.Outlet) (Report, error) {
	if err := p.claim(); err != nil {
		return p.Report(), err
	}
	p.emit = func(_ context.Context, batches []*engine.Batch) { p.sink.Record(batches...) }
	shift := p.startShift(ctx)
	defer shift.cancel()
	ended := make(chan error, 1) // the sink's goroutine sends once, await receives; room for it, nobody may be there
	go func() {                  // await waits; a sink that hangs is left behind, and the error says so
		err := apart(func() error { return p.sink.Run(shift.work) })
		if !shift.closing.Load() {
			p.halt(errors.New("pipeline: the store sink ended before it was closed, and what it had may be lost"))
		}
		ended <- err
	}()
	sourceErr := p.read(shift, from)
	shift.drain()
	shift.closing.Store(true)
	closeErr := apart(func() error { p.sink.Close(); return nil })
	sinkErr := shift.await("store sink", ended) // work goes on meanwhile: sinks behind it still have events to come
	lettersErr := shift.await("dead letter sink", p.letterSink.close())
	stopErr := shift.end()
	p.finish()
	return p.Report(), errors.Join(p.halted(), sourceErr, stopErr, closeErr, sinkErr, lettersErr)
}

// Report says what the pipeline has done up to now.
func (p *Pipeline) Report() Report {
	return p.meter.report(p.store.Capabilities(), p.window.inFlight())
}

func (p *Pipeline) claim() error {
	if p.used.Swap(true) {
		return fmt.Errorf("pipeline: used before, make a new one: %w", engine.ErrClosed)
	}
	p.meter.begin()
	return nil
}

// halt ends the reading because going on would only turn the input into dead letters. Run's error says why.
func (p *Pipeline) halt(why error) {
	if p.haltCause.CompareAndSwap(nil, &why) {
		p.stopReading()
	}
}

// haltIfShut halts when the store, which gave the error, takes nothing any more.
func (p *Pipeline) haltIfShut(err error) {
	if errors.Is(err, engine.ErrClosed) {
		p.halt(fmt.Errorf("pipeline: the store takes nothing any more: %w", err))
	}
}

// halted is why the reading was halted, or nil.
func (p *Pipeline) halted() error {
	if why := p.haltCause.Load(); why != nil {
		return *why
	}
	return nil
}

// paceOf gives the pace of a route.
func (p *Pipeline) paceOf(route *engine.Route) *pace {
	known, ok := p.paces.Load(route)
	if !ok {
		known, _ = p.paces.LoadOrStore(route, newPace(len(route.Handlers)))
	}
	return known.(*pace)
}

// finish stops the clock and tells whoever waits for a receipt.
func (p *Pipeline) finish() {
	p.meter.end()
	close(p.ended)
}

func (p *Pipeline) warn(message string, cmd *engine.Command, err error) {
	defer func() { _ = recover() }() // of a logger: who should be told?
	p.options.Logger.Warn(message, zap.Stringer("command", cmd.ID), zap.String("aggregate", cmd.Subject),
		zap.String("origin", cmd.Origin), zap.Error(err))
}
