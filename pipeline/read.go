package pipeline

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

// errDeaf is the error of a source that does not end when its context is done.
var errDeaf = errors.New("ignores that its context is done, and was left behind")

// intakeEnd is what came of one source.
type intakeEnd struct {
	number int
	err    error
}

// read takes every source to its end. Without one it waits for the context. A source that ignores its context is left
// behind some time after the work was cancelled, and the error names it.
func (p *Pipeline) read(s *shift, from []streams.Outlet) error {
	if len(from) == 0 {
		<-s.reading.Done()
		return nil
	}
	// Each intake sends once, the loop below receives; room for all, nobody may be there any more.
	ended := make(chan intakeEnd, len(from))
	var intakes sync.WaitGroup // of those that are not left behind: the loop waits for them
	for i := range from {
		intakes.Go(func() {
			end := intakeEnd{i, errExited} // unless it returns
			defer func() { ended <- end }()
			end.err = caught(func() error { return p.intake(s, from[i]) })
		})
	}
	errs := make([]error, len(from))
	for i := range errs {
		errs[i] = errDeaf
	}
	patience := make(<-chan time.Time) // nobody sends before the work is cancelled
	cancelled := s.work.Done()
	for left := len(from); left > 0; {
		select {
		case end := <-ended:
			errs[end.number] = end.err
			left--
		case <-cancelled:
			timer := time.NewTimer(grace)
			defer timer.Stop()
			patience, cancelled = timer.C, nil
		case <-patience:
			left = 0
		}
	}
	for i, err := range errs {
		if errors.Is(err, errDeaf) {
			errs[i] = fmt.Errorf("%w: source %d of %d (%T) %w", ErrStopped, i+1, len(from), from[i], errDeaf)
		}
	}
	return errors.Join(errs...)
}

// admitOnce gives the emit of a source. What the source has read when the reading ends is admitted all the same, so that
// nothing is read and then dropped; one that goes on reading is refused from then on, and keeps what it has.
func (p *Pipeline) admitOnce(s *shift) func([]*engine.Command) error {
	last := false
	return func(cmds []*engine.Command) error {
		if err := s.reading.Err(); err != nil {
			if last {
				return err
			}
			last = true
		}
		return p.admit(s.work, cmds)
	}
}
