package middleware

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Errors with which a call is refused before it reaches the handler. Both come marked as temporary.
var (
	ErrBusy = errors.New("middleware: no place became free in time") // of RateLimit and Concurrency
	ErrOpen = errors.New("middleware: the circuit is open")          // of Breaker
)

// errGone stands for the error of a call that did not return.
var errGone = errors.New("middleware: the handler panicked or ended its goroutine")

// all joins faults on one line. None are nil.
func all(faults ...error) (joined error) {
	for _, fault := range faults {
		switch {
		case fault == nil:
		case joined == nil:
			joined = fault
		default:
			joined = fmt.Errorf("%w; %w", joined, fault)
		}
	}
	return joined
}

// within fills in an option that is zero, and refuses one that is out of bounds.
func within[T cmp.Ordered](name string, value *T, zero, least, most T) error {
	var none T
	if *value == none {
		*value = zero
	}
	if *value < least || *value > most {
		return fmt.Errorf("%s is %v: give %v to %v", name, *value, least, most)
	}
	return nil
}

// checkWait is within for the time that a call waits: negative means not at all.
func checkWait(wait *time.Duration) error {
	if *wait < 0 {
		*wait = -1
		return nil
	}
	return within("Wait", wait, 10*time.Second, 0, 24*time.Hour)
}

// busy is the error of a call that gets no place.
func busy(call engine.Call, format string, args ...any) error {
	return engine.Temporary(fmt.Errorf("%w: handler %q: %s", ErrBusy, call.Handler, fmt.Sprintf(format, args...)))
}
