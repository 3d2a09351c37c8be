package sources

import (
	"context"
	"errors"
	"time"
)

// errExited is the error of code that ends its goroutine instead of returning: its source must not look complete.
var errExited = errors.New("sources: the code that was read from ended its goroutine (runtime.Goexit)")

const (
	// grace is how long a source whose context is done waits for code that may be blocked, before it leaves it behind.
	grace = 100 * time.Millisecond
	// trayBytes is how much a tray may hold before it counts as full: 4 MiB. One element more may always go in.
	trayBytes = 4 << 20
)

// ahead produces what another goroutine reads: for origins that can block where no context reaches. While the reader
// waits, everything it has read is handed over at once; while the receiver is busy, the reader fills the next tray.
type ahead struct {
	// fill reads to the end, or until put returns false. Size is what the element weighs in bytes, as far as it matters.
	fill func(ctx context.Context, put func(e any, size int) bool) error
	// interrupt, when not nil, makes a blocked fill return. The func it gives is called after fill has returned.
	interrupt func() (restore func())
}

// tray is what was read and not yet handed over.
type tray struct {
	elements []any
	size     int
}

// produce is a producer. It owns the reading goroutine and waits for it, except for one that is still blocked when the
// grace is over: that one ends as soon as what blocks it lets go, and what it reads then is dropped.
func (a ahead) produce(ctx context.Context, most int, emit func([]any) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &shelf{most: most}
	// The reading goroutine sends, takes back to add to it, and closes. The loop below receives. Capacity 1: the one tray
	// that is being filled.
	s.slot = make(chan tray, 1)
	// The reading goroutine sends once, the end of this function receives. Capacity 1: it never waits for us.
	ended := make(chan error, 1)
	go func() {
		err := errExited // unless fill returns
		defer func() {
			close(s.slot)
			ended <- err
		}()
		err = guard(func() error {
			return a.fill(ctx, func(e any, size int) bool { return s.put(ctx, e, size) })
		})
	}()
	done, err := s.empty(ctx, emit)
	if done {
		return <-ended
	}
	cancel()
	a.leave(ended)
	return err
}

// leave waits for the reading goroutine after it was cancelled.
func (a ahead) leave(ended <-chan error) {
	restore := func() {}
	if a.interrupt != nil {
		restore = a.interrupt()
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-ended: // its error is of no interest any more
		restore()
	case <-timer.C:
	}
}

// shelf passes trays from one goroutine that fills them to one that empties them. Why a tray is never lost, doubled or
// out of sequence: only the filler sends, so that a slot it has found or made empty stays empty until it sends; what it
// takes back is the last it sent, and it sends that again with one more at the end. The other side takes the tray either
// before that, and the filler starts a new one, or after.
type shelf struct {
	slot chan tray
	most int  // elements in a full tray
	full bool // the last tray sent was full; only the filler looks
}

// put adds an element. It blocks while a full tray is waiting. False: the context is done, the element is dropped.
func (s *shelf) put(ctx context.Context, e any, size int) bool {
	if ctx.Err() != nil {
		return false
	}
	var t tray
	if !s.full {
		select {
		case t = <-s.slot:
		default:
		}
	}
	t.elements = append(t.elements, e)
	t.size += size
	s.full = len(t.elements) >= s.most || t.size >= trayBytes
	select {
	case s.slot <- t:
		return true
	case <-ctx.Done():
		return false
	}
}

// empty hands over every tray until the filler is at its end (done), emit fails or the context is done.
func (s *shelf) empty(ctx context.Context, emit func([]any) error) (done bool, err error) {
	for {
		// Asked for apart: with a tray there and the context done, the select below picks either.
		if ctx.Err() != nil {
			return false, nil
		}
		select {
		case t, open := <-s.slot:
			if !open {
				return true, nil
			}
			if err := emit(t.elements); err != nil {
				return false, err
			}
		case <-ctx.Done():
			return false, nil
		}
	}
}
