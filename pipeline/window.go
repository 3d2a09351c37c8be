package pipeline

import (
	"context"
	"slices"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// window bounds the commands in flight. Whoever admits takes places, first come first served; an outcome gives one back.
type window struct {
	mu      sync.Mutex
	size    int
	free    int
	waiting []*seat
	closed  bool
	empty   chan struct{} // made by drained, closed by release when nothing is in flight; nobody sends
}

// seat is one admission that waits for places.
type seat struct {
	want int
	// given: release or close sends the number of places once, the waiter receives; never closed. Capacity 1, so that the
	// sender, who holds the lock, never blocks.
	given chan int
}

func newWindow(size int) *window { return &window{size: size, free: size} }

// acquire takes 1 to want places and says how many. It blocks while there are none, until the context is done or the
// window is closed (engine.ErrClosed).
func (w *window) acquire(ctx context.Context, want int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return 0, engine.ErrClosed
	}
	if w.free > 0 && len(w.waiting) == 0 {
		n := min(want, w.free)
		w.free -= n
		w.mu.Unlock()
		return n, nil
	}
	s := &seat{want: want, given: make(chan int, 1)}
	w.waiting = append(w.waiting, s)
	w.mu.Unlock()
	select {
	case n := <-s.given:
		if n == 0 {
			return 0, engine.ErrClosed
		}
		return n, nil
	case <-ctx.Done():
		return 0, w.leave(s, ctx.Err())
	}
}

// overdraw takes places whether they are free or not, for commands that are answered at once.
func (w *window) overdraw(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free -= n
}

// leave takes a seat out of the row; places given to it meanwhile go back.
func (w *window) leave(s *seat, err error) error {
	w.mu.Lock()
	i := slices.Index(w.waiting, s)
	if i >= 0 {
		w.waiting = slices.Delete(w.waiting, i, i+1)
	}
	w.mu.Unlock()
	if i < 0 {
		w.release(<-s.given)
	}
	return err
}

// release gives n places back and hands them on to who waits. It tells whether anybody got some.
func (w *window) release(n int) (handedOn bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free += n
	for w.free > 0 && len(w.waiting) > 0 {
		s := w.waiting[0]
		w.waiting = slices.Delete(w.waiting, 0, 1)
		give := min(s.want, w.free)
		w.free -= give
		s.given <- give // never blocks: one place in the channel, one send
		handedOn = true
	}
	if w.free == w.size && w.empty != nil {
		close(w.empty)
		w.empty = nil
	}
	return handedOn
}

// inFlight is the number of commands admitted and without an outcome.
func (w *window) inFlight() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.size - w.free
}

// queued is how many wait for places.
func (w *window) queued() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}

// close refuses further admissions, and those that wait.
func (w *window) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, s := range w.waiting {
		s.given <- 0 // never blocks: one place in the channel, one send
	}
	w.waiting = nil
}

// drained gives a channel that is closed as soon as nothing is in flight. It is asked for after close.
func (w *window) drained() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := make(chan struct{}) // release closes it; nobody sends
	if w.free == w.size {
		close(done)
		return done
	}
	w.empty = done
	return done
}
