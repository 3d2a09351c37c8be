package pipeline

import (
	"errors"
	"slices"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// task is one admitted command on its way to an outcome.
type task struct {
	cmd     *engine.Command
	ticket  uint64        // the lane keeps the sequence; tests hold it against this
	arrived time.Duration // since the pipeline began
	receipt *Receipt      // nil when nobody waits
	next    *task         // behind it in the lane, or in the chain of a turn

	// What the fan-out found; kept when the command is decided again after a conflict.
	handled   bool
	route     *engine.Route
	pace      *pace  // of the route
	data      any    // decoded payload
	digest    uint64 // of what the command says; 0 when the store keeps payloads as they are
	calls     []call // of its handlers, in registration sequence; the turn's own array
	err       error  // why the command failed
	rejection error  // that handlers refused it
	waits     bool   // err is that the aggregate is parked
	lost      bool   // there is no other attempt: its dead letter is all that is left to be kept
	trouble   *trouble
	claim     *claim // on the groups of limits; nil when there are no limits. It stays until the turn is finished
}

// clear empties a task that has its outcome. The turn counts it when it is finished.
func (t *task) clear() {
	c := t.claim
	*t = task{}
	t.claim = c
}

// note keeps what a handler made of the command: nothing wrong, a refusal, or a failure.
func (t *task) note(err error) {
	if err == nil {
		return
	}
	if errors.Is(err, engine.ErrRejected) {
		t.rejection = errors.Join(t.rejection, err)
		return
	}
	t.err = errors.Join(t.err, err)
}

// outlive makes a task ready for another turn: what it holds of this one's arrays is its own from now on.
func (t *task) outlive() { t.calls = slices.Clone(t.calls) }
