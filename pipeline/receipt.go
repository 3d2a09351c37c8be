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
	outcome engine.Outcome  // there as soon as word or settled says so

	// Of Do, whose receipt serves again; nil otherwise. Settle sends once for each command, Do receives, nobody closes.
	// Capacity 1: settle never blocks, also when Do has given up.
	word chan struct{}

	// Of Send, whose receipt many may wait for, as often as they like.
	mu      sync.Mutex
	settled bool
	told    chan struct{} // made by the first who has to wait
}

// newReceipts makes a pool of receipts for Do. It holds the end of the pipeline and not the pipeline: see lanes.turns.
func newReceipts(ended <-chan struct{}) *sync.Pool {
	return &sync.Pool{New: func() any { return &Receipt{ended: ended, word: make(chan struct{}, 1)} }} // see word
}

// Wait blocks until the command has its outcome. The error is the context's when that is done first: the command goes
// on, and Wait may be called again. It matches ErrStopped and engine.ErrUnknown when the pipeline has ended without an
// outcome for the command, because a handler or the store ignored its cancellation.
func (r *Receipt) Wait(ctx context.Context) (engine.Outcome, error) {
	if told := r.pending(); told != nil {
		if err := r.await(ctx, told); err != nil {
			return engine.Outcome{}, err
		}
	}
	return r.outcome, nil
}

// pending gives what is closed when the outcome is there: nil when it is there already, which costs next to nothing.
func (r *Receipt) pending() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.settled {
		return nil
	}
	if r.told == nil {
		r.told = make(chan struct{}) // settle closes, every Wait receives, nobody sends: no capacity
	}
	return r.told
}

// await waits until told says that the outcome is there. The error is that of Wait.
func (r *Receipt) await(ctx context.Context, told <-chan struct{}) error {
	if heard(told) { // costs less than a select of three
		return nil
	}
	select {
	case <-told:
		return nil
	case <-ctx.Done():
	case <-r.ended:
	}
	if heard(told) { // more than one may have been ready: an outcome that is there is always told
		return nil
	}
	return cmp.Or(ctx.Err(), fmt.Errorf("%w: %w", ErrStopped, engine.ErrUnknown))
}

func heard(told <-chan struct{}) bool {
	select {
	case <-told:
		return true
	default:
		return false
	}
}

// settle sets the outcome and lets those know who wait for it. It is called once for each command.
func (r *Receipt) settle(o engine.Outcome) {
	if r.word != nil {
		r.outcome = o
		r.word <- struct{}{}
		return
	}
	r.mu.Lock()
	r.outcome, r.settled = o, true
	told := r.told // nobody makes it from now on
	r.mu.Unlock()
	if told != nil {
		close(told)
	}
}

// Send admits a command and returns a receipt for its outcome. It blocks while the window is full and until the
// pipeline runs. Commands for one aggregate that one goroutine sends are handled in the sequence of the calls. After an
// error the command was not admitted: nothing is stored. It is engine.ErrClosed when the pipeline reads no more.
func (p *Pipeline) Send(ctx context.Context, cmd *engine.Command) (*Receipt, error) {
	r := &Receipt{ended: p.ended}
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
	if err := r.await(ctx, r.word); err != nil {
		return engine.Outcome{}, err // the outcome may yet come: the receipt serves nobody else
	}
	o := r.outcome
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
