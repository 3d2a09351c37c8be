package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// A Receipt stands for a command that was admitted.
type Receipt struct {
	ended   <-chan struct{} // the pipeline's end
	told    chan struct{}   // here settle says that the outcome is there
	reused  bool            // by one Do after another: settle sends, else it closes told
	outcome engine.Outcome
}

// newReceipts makes a pool of receipts for Do. It holds the end of the pipeline and not the pipeline: see lanes.turns.
func newReceipts(ended <-chan struct{}) *sync.Pool {
	return &sync.Pool{New: func() any {
		// Settle sends once for each command, Do receives, nobody closes. Capacity 1: settle never blocks, also when Do has
		// given up.
		return &Receipt{ended: ended, told: make(chan struct{}, 1), reused: true}
	}}
}

// Wait blocks until the command has its outcome. The error is the context's when that is done first: the command goes
// on, and Wait may be called again. It matches ErrStopped and engine.ErrUnknown when the pipeline has ended without an
// outcome for the command, because a handler or the store ignored its cancellation.
func (r *Receipt) Wait(ctx context.Context) (engine.Outcome, error) {
	if r.hear() { // costs less than the three of them
		return r.outcome, nil
	}
	select {
	case <-r.told:
		return r.outcome, nil
	case <-ctx.Done():
	case <-r.ended:
	}
	if r.hear() { // more than one may have been ready: an outcome that is there is always told
		return r.outcome, nil
	}
	return engine.Outcome{}, cmp.Or(ctx.Err(), fmt.Errorf("%w: %w", ErrStopped, engine.ErrUnknown))
}

// hear tells whether settle has said that the outcome is there. On Do's receipt it is heard once.
func (r *Receipt) hear() bool {
	select {
	case <-r.told:
		return true
	default:
		return false
	}
}

// settle sets the outcome and lets those know who wait for it. It is called once for each command.
func (r *Receipt) settle(o engine.Outcome) {
	r.outcome = o
	if r.reused {
		r.told <- struct{}{}
	} else {
		close(r.told)
	}
}

// Send admits a command and returns a receipt for its outcome. It blocks while the window is full and until the
// pipeline runs. Commands for one aggregate that one goroutine sends are handled in the sequence of the calls. After an
// error the command was not admitted: nothing is stored. It is engine.ErrClosed when the pipeline reads no more.
func (p *Pipeline) Send(ctx context.Context, cmd *engine.Command) (*Receipt, error) {
	r := &Receipt{ended: p.ended, told: make(chan struct{})} // settle closes it, every Wait receives, nobody sends: no capacity
	if err := p.send(ctx, cmd, r); err != nil {
		return nil, err
	}
	return r, nil
}

// Do sends a command, as Send does, and waits for its outcome. The error is nil when the command was accepted; it matches
// engine.ErrRejected when the domain refused it, is the cause when it was dead-lettered or is unknown, and is the
// context's when that was done first (the command may still be handled). A handler must not call Do: until
// it returns its aggregate is one of the Options.Workers that are handled at once, and when all of them wait nothing is
// left to handle what they wait for. A Do for its own aggregate waits for itself.
func (p *Pipeline) Do(ctx context.Context, cmd *engine.Command) (engine.Outcome, error) {
	r := p.receipts.Get().(*Receipt)
	if err := p.send(ctx, cmd, r); err != nil {
		p.receipts.Put(r)
		return engine.Outcome{}, err
	}
	if p.instant { // else the outcome is never there yet
		runtime.Gosched() // a worker that was idle goes first, and may be done before there is anything to wait for
	}
	o, err := r.Wait(ctx)
	if err != nil {
		return o, err // the outcome may yet come: the receipt serves nobody else
	}
	r.outcome = engine.Outcome{} // nothing of it is kept alive
	p.receipts.Put(r)
	return o, o.Failure()
}

// send admits one command for a program that submits by itself.
func (p *Pipeline) send(ctx context.Context, cmd *engine.Command, r *Receipt) error {
	if !p.open.Load() {
		select {
		case <-p.started:
		case <-ctx.Done():
			return fmt.Errorf("pipeline: not running, call Run or Dispatch to have commands handled: %w", ctx.Err())
		}
	}
	one := [1]*engine.Command{engine.AsCommand(cmd)}
	a := admission{receipt: r, claims: p.claims(one[:]...)}
	defer a.leave(p.lanes)
	for {
		n, err := p.enter(ctx, &a, one[:])
		if errors.Is(err, engine.ErrClosed) {
			return fmt.Errorf("pipeline: stopped, it takes no more commands, make a new one: %w", err)
		}
		if n > 0 || err != nil {
			return err
		}
	}
}
