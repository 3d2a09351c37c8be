package pipeline

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/orchestrix-go/orchestrix/engine"
)

// sound gives an error that others made as it is, when it bears to be asked what is asked of errors on the way of a command.
// One that does not, as a nil pointer in an error that is not nil, or whose methods panic, is a panic of those who made it:
// found here, where it costs one command, and not where nobody expects it any more.
func sound(err error) error {
	if err == nil {
		return nil
	}
	v, stack := askAll(err)
	if v == nil {
		return err
	}
	says := func(err error) error {
		return &engine.PanicError{Value: fmt.Sprintf("an error of type %T, when it was asked: %v", err, v), Stack: stack}
	}
	if named, ok := err.(*engine.HandlerError); ok && named != nil {
		return &engine.HandlerError{Type: named.Type, ID: named.ID, Handler: named.Handler, Err: says(named.Err)}
	}
	return says(err)
}

// ordinary tells whether an error is a rejection or a conflict of the engine's own making: they bear it, and are no exception
// that may cost more than the command.
func ordinary(err error) bool {
	if named, ok := err.(*engine.HandlerError); ok && named != nil {
		err = named.Err
	}
	switch e := err.(type) {
	case *engine.RejectedError:
		return e != nil
	case *engine.ConflictError:
		return e != nil
	}
	return false
}

// askAll asks an error everything, and gives the panic of one that does not bear it.
func askAll(err error) (panicked any, stack []byte) {
	if ordinary(err) {
		return nil, nil
	}
	defer func() {
		if panicked = recover(); panicked != nil {
			stack = debug.Stack()
		}
	}()
	if rejected, ok := errors.AsType[*engine.RejectedError](err); ok {
		_ = rejected.Error()
	}
	_ = engine.Retryable(err)
	_ = engine.NewDeadLetter(&engine.Command{}, err).Kept()
	return nil, nil
}

// defect is why the command of the task could not be read. One that does not bear to be asked is replaced: whoever keeps the
// command asks it too.
func (t *task) defect() error {
	if v, _ := askAll(t.cmd.Defect); v != nil {
		twin := *t.cmd
		twin.Defect = sound(twin.Defect)
		t.cmd = &twin
	}
	return t.cmd.Defect
}
