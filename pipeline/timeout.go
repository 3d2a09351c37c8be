package pipeline

import (
	"errors"
	"fmt"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// grace is how long code has to return when its context is cut, or the work is cancelled, before it is given up.
const grace = 500 * time.Millisecond

// deadline is when code is cut off that was called at a time, for a command that arrived at a time; 0 is never. It tells after
// how much time that is, and whether it is the time of the whole command.
func (p *Pipeline) deadline(called, arrived time.Duration) (at, after time.Duration, whole bool) {
	if after = p.options.HandlerTimeout; after > 0 {
		at = called + after
	}
	if most := p.options.CommandTimeout; most > 0 && (at == 0 || arrived+most < at) {
		return arrived + most, most, true
	}
	return at, after, false
}

// expire ends commands whose time is over before they are handled, or decided.
func (p *Pipeline) expire(tasks ...*task) {
	if p.options.CommandTimeout <= 0 {
		return
	}
	for _, t := range tasks {
		if t.err == nil && !p.inTime(t, 0) {
			t.err = engine.Permanent(&engine.TimeoutError{After: p.options.CommandTimeout})
		}
	}
}

// inTime tells whether the time of a command allows another attempt after a pause.
func (p *Pipeline) inTime(t *task, pause time.Duration) bool {
	most := p.options.CommandTimeout
	return most <= 0 || p.meter.since()+pause-t.arrived < most
}

// sayWhy prepares the cut of a call: who was not done after how much time.
func (l *leash) sayWhy(handler string, after time.Duration, whole bool) {
	var why error = &engine.TimeoutError{Handler: handler, After: after}
	if whole {
		why = engine.Permanent(&engine.TimeoutError{After: after})
	}
	l.why.Store(&why)
}

// tooLate is the failure of a call that was cut off, by why and by what it came to all the same. A panic is a panic
// whenever it comes; a refusal that is late does not count.
func tooLate(c *call, why, err error) error {
	return lateError(c.task.route.Type, c.task.cmd.ID, c.handler.Name, why, err)
}

func lateError(typ string, id engine.ID, handler string, why, err error) error {
	if _, panicked := errors.AsType[*engine.PanicError](err); panicked {
		return err
	}
	if named, ok := errors.AsType[*engine.HandlerError](err); ok {
		err = named.Err
	}
	if err != nil && !errors.Is(err, engine.ErrRejected) {
		why = fmt.Errorf("%w; then it gave: %w", why, err)
	}
	return &engine.HandlerError{Type: typ, ID: id, Handler: handler, Err: why}
}
