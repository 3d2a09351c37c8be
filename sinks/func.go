package sinks

import (
	"errors"
	"reflect"
	"runtime/debug"
	"sync"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

var _ streams.Sink = (*FuncSink)(nil)

// inletBuffer is how many elements wait in the inlet of a sink: enough that JSONLines writes many lines at once.
const inletBuffer = 64

// A FuncSink calls a function for each element.
type FuncSink struct{ drain }

// Func makes a sink that calls handle for each element, one after another, in stream sequence. The first error ends
// that: an error of handle, a panic of it (*engine.PanicError) or an element that is no T (*engine.PayloadError). What
// comes after is received and dropped, so that no stage before the sink is ever stuck, and Err tells the error.
func Func[T any](handle func(T) error) *FuncSink {
	s := &FuncSink{}
	s.init(func(element any) error {
		e, ok := element.(T)
		if !ok {
			return &engine.PayloadError{Want: reflect.TypeFor[T]().String(), Got: element}
		}
		return handle(e)
	}, nil)
	return s
}

// errExited is the error of code that ended its goroutine instead of returning.
var errExited = errors.New("sinks: the code ended its goroutine (runtime.Goexit) instead of returning")

// drain is the loop under the sinks that take one element after another. It starts nothing until In is called.
type drain struct {
	handle func(any) error
	idle   func() error // called when no element waits, and at the end; nil when there is nothing to do then

	in   chan any
	done chan struct{}

	mu      sync.Mutex // guards what is below; nothing blocks under it
	started bool
	err     error
}

func (d *drain) init(handle func(any) error, idle func() error) {
	d.handle, d.idle = handle, idle
	// The stage before the sink sends and closes; run receives. The capacity lets run see that more is coming.
	d.in = make(chan any, inletBuffer)
	// Run closes it when everything is done; nobody sends. AwaitCompletion receives.
	d.done = make(chan struct{})
}

// In starts the sink if it has not started, and gives its inlet. The sender closes it when no more will come.
func (d *drain) In() chan<- any {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.started {
		d.started = true
		go d.run() // owned by the sender: it ends when the inlet is closed; AwaitCompletion waits for that
	}
	return d.in
}

// AwaitCompletion blocks until the inlet was closed and everything received is dealt with. It waits for that also when
// In was not called yet: some stage may be about to.
func (d *drain) AwaitCompletion() { <-d.done }

// Err tells the first error. It is final after AwaitCompletion.
func (d *drain) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *drain) run() {
	finished := false
	// Deferred, because a function may end this goroutine without returning: the inlet is received to its end even then.
	defer func() {
		if !finished {
			d.fail(errExited)
		}
		for range d.in {
		}
		close(d.done)
	}()
	for element := range d.in {
		if d.Err() == nil {
			d.fail(guard(func() error { return d.handle(element) }))
		}
		if len(d.in) == 0 {
			d.rest()
		}
	}
	d.rest()
	finished = true
}

// rest calls idle, also after an error: what was taken before it still gets where it belongs.
func (d *drain) rest() {
	if d.idle != nil {
		d.fail(guard(d.idle))
	}
}

// fail keeps the first error.
func (d *drain) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
	}
}

// guard calls code that was given to us and turns its panic into an error.
func guard(call func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &engine.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return call()
}
