package pipeline

import (
	"errors"
	"fmt"
	"strings"
)

// ErrStopped says that the drain timeout ran out. As the cause of a dead letter: the command was not yet decided, nothing
// of it is stored, and it may be sent again. From Receipt.Wait it comes with engine.ErrUnknown: may be stored.
var ErrStopped = errors.New("pipeline: stopped before everything was done")

// A StoppedError says why a pipeline was stopped before everything was done, and what was left. It matches ErrStopped.
type StoppedError struct {
	Why   string
	Lanes int          // that had commands in flight
	Left  []LaneStatus // what they were doing: at most 20, those with the oldest commands first
}

// Is matches ErrStopped.
func (e *StoppedError) Is(target error) bool { return target == ErrStopped }

// Error names what was left: each aggregate with its oldest command, and what that was waiting for.
func (e *StoppedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %s", ErrStopped, e.Why)
	for i, l := range e.Left {
		fmt.Fprintf(&b, "%s%q %s", map[bool]string{true: "; left were ", false: ", "}[i == 0], l.Aggregate, l.State)
		if l.By != "" {
			fmt.Fprintf(&b, " %s", l.By)
		}
		fmt.Fprintf(&b, " (%s %s", l.Type, l.Command)
		if l.Behind > 0 {
			fmt.Fprintf(&b, " and %d behind it", l.Behind)
		}
		b.WriteByte(')')
	}
	if more := e.Lanes - len(e.Left); more > 0 {
		fmt.Fprintf(&b, ", and %d more aggregates", more)
	}
	return b.String()
}

// stopped makes the error of a shift that was stopped, with what is left now.
func (p *Pipeline) stopped() *StoppedError {
	s := p.survey(0)
	return &StoppedError{Lanes: s.Lanes, Left: s.Stalled}
}

// Cut ends the drain before its time, as a second signal should: handlers are cancelled, and what is not yet decided is
// dead-lettered with ErrStopped. When the reading still goes on it ends that first. It returns at once.
func (p *Pipeline) Cut() {
	if !p.cutNow.Swap(true) {
		close(p.cutting)
	}
}
