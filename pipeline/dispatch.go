package pipeline

import (
	"context"
	"errors"
	"sync"

	"github.com/reugn/go-streams"
	"go.uber.org/zap"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Dispatch gives the pipeline as one stage of a plain go-streams chain:
//
//	in  -- *engine.Command, one by one
//
//	[ admit, lanes, workers, handlers, join ]
//
//	out -- *engine.Batch, one for each turn of an aggregate
//
// for a store sink made by sinks.NewStore, which must be the one that the pipeline was made with:
//
//	sources.Chan(ch).Via(filter).Via(p.Dispatch(ctx)).To(sink)
//
// The stage starts when either side of it is connected. When its inlet is closed, or ctx is done, it finishes what was admitted
// and closes its outlet; commands that arrive after ctx is done are refused with ErrStopped. A stage between
// Dispatch and the store sink must pass every batch on, once.
func (p *Pipeline) Dispatch(ctx context.Context) streams.Flow {
	return &dispatch{
		p: p, ctx: ctx,
		// in: upstream sends and closes, run receives; unbuffered, because the window is the buffer.
		in: make(chan any),
		// out: workers and who goes on in their stead send, run closes when all of them have ended, downstream receives; room
		// for as many batches as aggregates are handled at once.
		out: make(chan any, p.options.Workers),
	}
}

type dispatch struct {
	p     *Pipeline
	ctx   context.Context
	start sync.Once
	in    chan any
	out   chan any
}

var _ streams.Flow = (*dispatch)(nil)

// In is the inlet for commands.
func (d *dispatch) In() chan<- any {
	d.begin()
	return d.in
}

// Out is the outlet of batches.
func (d *dispatch) Out() <-chan any {
	d.begin()
	return d.out
}

// Via streams the batches to another flow.
func (d *dispatch) Via(flow streams.Flow) streams.Flow {
	go d.transmit(flow)
	return flow
}

// To streams the batches to the sink and blocks until it has completed.
func (d *dispatch) To(sink streams.Sink) {
	d.transmit(sink)
	sink.AwaitCompletion()
}

// begin starts the stage, whichever side is connected first: upstream may ask for the inlet only when it has something, and
// until then nobody could call Do.
func (d *dispatch) begin() { d.start.Do(func() { go d.run() }) }

func (d *dispatch) transmit(to streams.Inlet) {
	in := to.In()
	for batch := range d.Out() {
		in <- batch
	}
	close(in)
}

// run is the life of the stage.
func (d *dispatch) run() {
	p := d.p
	if err := p.claim(); err != nil {
		p.options.Logger.Error("a pipeline is used once: this stage passes nothing on")
		d.refuse() // answers every command, and keeps upstream going
		close(d.out)
		return
	}
	p.emit, p.oneByOne = d.emit, true
	s := p.startShift(d.ctx)
	defer s.cancel()
	err := p.drawAll(s.reading, d.in, func(cmds []*engine.Command) error { return p.admit(s.work, cmds) })
	if err != nil {
		go d.refuse() // ends when upstream closes the inlet, as every go-streams stage does in the end
	}
	s.drain()
	err = s.await("dead letter sink", p.letterSink.close())
	if err = errors.Join(p.halted(), err, s.end()); err != nil {
		p.options.Logger.Error("stopped", zap.Error(err))
	}
	p.finish()
	close(d.out) // the last: the chain ends with it. Who comes back later finds work cancelled and does not send
}

// emit passes batches on, or answers them when the stage is cut while downstream does not read.
func (d *dispatch) emit(work context.Context, batches []*engine.Batch) {
	for _, batch := range batches {
		d.emitOne(work, batch)
	}
}

func (d *dispatch) emitOne(work context.Context, batch *engine.Batch) {
	if work.Err() == nil {
		select {
		case d.out <- batch:
			return
		case <-work.Done():
		}
	}
	results := make([]engine.Result, len(batch.Appends))
	for i := range results {
		results[i].Err = work.Err()
	}
	batch.Settle(results)
}

// refuse answers what upstream still sends after the context is done, so that no stage of it stays blocked for ever.
func (d *dispatch) refuse() {
	for element := range d.in {
		cmd := engine.AsCommand(element)
		d.p.warn("refused", cmd, ErrStopped)
		if cmd.Settled != nil {
			d.p.acknowledgeApart(cmd, engine.Outcome{CommandID: cmd.ID, Status: engine.DeadLettered, Err: ErrStopped})
		}
	}
}
