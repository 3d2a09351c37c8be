package engine

import (
	"context"
	"sync"
)

// An AsyncPublisher is a bus as asynchronous code holds it: Send does not wait for the handlers.
type AsyncPublisher interface {
	Subscribe(typ, handler string, handle MessageHandler) error
	// Send hands a message over and returns a receipt for what becomes of it.
	Send(ctx context.Context, m *Message) *Receipt
}

// A Receipt stands for a publish under way.
type Receipt struct {
	done chan struct{} // closed by the publish when err is set; nobody sends
	err  error
}

// Wait blocks until the publish has ended and gives its error, or the context's error if that ends first; the publish
// goes on then.
func (r *Receipt) Wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	select { // both may have been ready: a publish that has ended always answers with its own error
	case <-r.done:
		return r.err
	default:
		return ctx.Err()
	}
}

// NonBlocking adapts a bus for code that must not block: a SyncBus used from asynchronous code. Its goroutines outlive
// the calls that started them and end before Close returns.
type NonBlocking struct {
	bus   Bus
	slots chan struct{} // one token for each publish under way; Send sends, the publish receives; never closed
	wg    sync.WaitGroup

	mu     sync.RWMutex // guards closed against a Send that is about to start a goroutine
	closed bool
}

var _ AsyncPublisher = (*NonBlocking)(nil)

// NewNonBlocking adapts bus; at most limit publishes are under way at once, 1 or more. Less means 1024.
func NewNonBlocking(bus Bus, limit int) *NonBlocking {
	if limit < 1 {
		limit = 1024
	}
	return &NonBlocking{bus: bus, slots: make(chan struct{}, limit)}
}

// Subscribe subscribes at the bus behind.
func (n *NonBlocking) Subscribe(typ, handler string, handle MessageHandler) error {
	return n.bus.Subscribe(typ, handler, handle)
}

// Send publishes in a goroutine of its own and returns at once. Only while limit publishes are under way does it block,
// until one ends or the context is done. Messages sent one after another may be handled in any sequence.
func (n *NonBlocking) Send(ctx context.Context, m *Message) *Receipt {
	r := &Receipt{done: make(chan struct{})}
	select {
	case n.slots <- struct{}{}:
	case <-ctx.Done():
		r.end(ctx.Err())
		return r
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.closed {
		<-n.slots
		r.end(ErrClosed)
		return r
	}
	n.wg.Go(func() {
		err := errExited // until it returns
		defer func() {
			<-n.slots
			r.end(err)
		}()
		err = n.bus.Publish(ctx, m)
	})
	return r
}

// Close refuses further messages and returns when those under way have ended.
func (n *NonBlocking) Close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.wg.Wait()
}

func (r *Receipt) end(err error) {
	r.err = err
	close(r.done)
}

// Blocking adapts an asynchronous publisher to a place where a blocking call is expected: Publish sends and waits.
type Blocking struct{ AsyncPublisher }

var _ Bus = Blocking{}

// Publish sends the message and waits for its receipt. When the context ends first it gives the context's error, and the
// handlers go on.
func (b Blocking) Publish(ctx context.Context, m *Message) error { return b.Send(ctx, m).Wait(ctx) }
