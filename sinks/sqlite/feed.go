package sqlite

import (
	"context"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// feed tells those who wait how far the log goes. Telling costs nothing while nobody waits.
type feed struct {
	mu   sync.Mutex
	last engine.Position
	wake chan struct{} // what waiters wait on; nil while nobody waits
}

// publish says that the log goes up to a position. Only the writer calls it, after a commit.
func (f *feed) publish(last engine.Position) {
	f.mu.Lock()
	wake := f.wake
	f.last, f.wake = last, nil
	f.mu.Unlock()
	if wake != nil {
		close(wake)
	}
}

// end is how far the log goes.
func (f *feed) end() engine.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// wait blocks until the log goes beyond a position, the context is done or closing is closed (ErrClosed).
func (f *feed) wait(ctx context.Context, closing <-chan struct{}, after engine.Position) error {
	for {
		f.mu.Lock()
		last := f.last
		if last <= after && f.wake == nil {
			// Nothing is ever sent on it: publish takes it out of the feed and closes it, which all waiters receive. It
			// holds nothing, so its capacity is none.
			f.wake = make(chan struct{})
		}
		wake := f.wake
		f.mu.Unlock()

		if last > after {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		case <-closing:
			return engine.ErrClosed
		}
	}
}
