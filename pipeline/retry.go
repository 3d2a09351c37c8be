package pipeline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/orchestrix-go/orchestrix/engine"
)

// RetryPolicy says which failures get another attempt, and when. While a command waits for one, the later commands of its
// aggregate wait behind it, and nobody else does. Only the handlers that failed run again. The zero value works.
type RetryPolicy struct {
	// Attempts is how often a command is handled at most, the first time included. 1 to 1000; 1 means never again. Zero
	// means 5.
	Attempts int
	// First bounds the pause before the second attempt, and each later pause is bounded by twice the bound before it. The
	// pause itself is drawn at random from nothing to its bound (full jitter). Zero means 50 ms.
	First time.Duration
	// Most bounds every pause. Zero means 5 s.
	Most time.Duration
	// Total is how long after the first attempt began another one may begin. Zero means one minute.
	Total time.Duration
	// Retryable tells which failures of handlers, deciders and loads are worth another attempt; it is called from many
	// goroutines. A command is attempted again only when every handler that failed did so for such a reason. Rejections are
	// outcomes and never asked about. Nil means engine.Retryable.
	Retryable func(error) bool
	// Seed makes the pauses repeatable, those after conflicts too: they follow from it, the command's id and the attempt. Zero
	// means a random one.
	Seed uint64
}

// withDefaults fills in what is zero and reports every fault at once.
func (r RetryPolicy) withDefaults() (RetryPolicy, error) {
	var errs []error
	if r.Attempts == 0 {
		r.Attempts = 5
	}
	if r.Attempts < 1 || r.Attempts > 1000 {
		errs = append(errs, fmt.Errorf("pipeline: Options.Retry.Attempts is %d: give 1 to 1000, or 0 for 5", r.Attempts))
	}
	for _, f := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{{"First", &r.First, 50 * time.Millisecond}, {"Most", &r.Most, 5 * time.Second}, {"Total", &r.Total, time.Minute}} {
		if *f.value == 0 {
			*f.value = f.zero
		}
		if *f.value < 0 {
			errs = append(errs, fmt.Errorf("pipeline: Options.Retry.%s is %v: give a positive duration, or 0 for %v", f.name, *f.value, f.zero))
		}
	}
	if r.Retryable == nil {
		r.Retryable = engine.Retryable
	}
	if r.Seed == 0 {
		r.Seed = rand.Uint64()
	}
	return r, errors.Join(errs...)
}

// pause is how long to wait after so many attempts of a command.
func (r *RetryPolicy) pause(id engine.ID, attempts int) time.Duration {
	bound := r.Most
	if n := attempts - 1; n < 32 && r.First<<n < r.Most {
		bound = r.First << n
	}
	return r.jitter(bound, id, attempts)
}

// jitter draws a duration from nothing to its bound for the n-th pause of a command.
func (r *RetryPolicy) jitter(bound time.Duration, id engine.ID, n int) time.Duration {
	draw := rand.New(rand.NewPCG(r.Seed^binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])+uint64(n)))
	return time.Duration(draw.Int64N(int64(bound) + 1))
}

// conflictPause is how long the lane rests before it decides again: not at all at first, then exponentially longer with full
// jitter, at most a quarter of a second.
func (t *turn) conflictPause() time.Duration {
	const first, most = time.Millisecond, 250 * time.Millisecond
	if t.lane.conflicts < 2 || len(t.again) == 0 {
		return 0
	}
	return t.p.options.Retry.jitter(min(most, first<<min(t.lane.conflicts, 16)), t.again[0].cmd.ID, int(t.lane.conflicts))
}

// trouble is what a task remembers of attempts that failed; most have none.
type trouble struct {
	attempts    int
	first, last time.Time // when the first and the last of them began
	partly      bool      // some handlers are to be called again, and only those
	anew        bool      // another attempt has not begun yet
	err         error     // of the last of them
	unknown     error     // the store did not say whether it has the command, and has not said so since
}

// partly tells whether only some handlers are to be called.
func (t *task) partly() bool { return t.trouble != nil && t.trouble.partly }

// anew tells whether the command is about to be attempted again.
func (t *task) anew() bool { return t.trouble != nil && t.trouble.anew }

// takeOver takes what the calls of the turn came to: those of all handlers, or of some that failed before.
func (t *task) takeOver(calls []call) {
	if !t.partly() {
		t.calls = calls
		return
	}
	t.trouble.partly, t.rejection = false, nil
	for i := range calls {
		t.calls[calls[i].number] = calls[i]
	}
}

// unanswered tells whether the store may have the command without having said so.
func (t *task) unanswered() bool { return t.trouble != nil && t.trouble.unknown != nil }

// known says that the store has answered for the command's id: it does not have it.
func (t *task) known() {
	if t.trouble != nil {
		t.trouble.unknown = nil
	}
}

// failed counts an attempt, which began at a time.
func (t *task) failed(began time.Time) *trouble {
	if t.trouble == nil {
		t.trouble = &trouble{first: began}
	}
	t.trouble.attempts++
	t.trouble.last = began
	return t.trouble
}

// another counts an attempt that failed, and tells whether there is one more, if it may end better: then the lane has to rest
// for the pause. Code of others is asked last.
func (t *turn) another(task *task, err error, better func() bool) bool {
	trouble, retry := task.failed(t.now), &t.p.options.Retry
	trouble.err = err
	if trouble.attempts >= retry.Attempts || t.p.cut.Load() || !better() {
		return false
	}
	pause := retry.pause(task.cmd.ID, trouble.attempts)
	if time.Since(trouble.first)+pause > retry.Total || !t.p.inTime(task, pause) { // the attempt itself took its time
		return false
	}
	t.pause = max(t.pause, pause)
	return true
}

// tryAgain makes a command that failed ready for another attempt, or tells that there is none.
func (t *turn) tryAgain(task *task, err error) bool {
	if !t.another(task, err, func() bool { return t.p.worthwhile(task, err) }) {
		return false
	}
	task.err, task.trouble.anew = nil, true
	for i := range task.calls {
		task.trouble.partly = task.trouble.partly || task.calls[i].failed()
	}
	return true
}

// beginAnew begins the attempts of commands that failed before, but for those whose time has passed while they waited for a
// worker: they are given up.
func (t *turn) beginAnew() {
	for _, task := range t.tasks {
		if !task.anew() {
			continue
		}
		task.trouble.anew = false
		if task.err == nil && time.Since(task.trouble.first) > t.p.options.Retry.Total {
			task.err, task.lost = task.trouble.err, true
		}
	}
}

// storeAgain tells whether a command that the store failed gets another attempt. When the store did not answer, the command
// is decided again all the same: if it is stored, its id says so then.
func (t *turn) storeAgain(task *task, err error) bool {
	again := t.another(task, err, func() bool { return !errors.Is(err, engine.ErrClosed) && t.p.retryable(err) })
	if errors.Is(err, engine.ErrUnknown) {
		task.trouble.unknown = err
	}
	return again
}

// worthwhile tells whether every failure of the command may pass.
func (p *Pipeline) worthwhile(task *task, err error) bool {
	called := false
	for i := range task.calls {
		if c := &task.calls[i]; c.failed() {
			called = true
			if !p.retryable(c.err) {
				return false
			}
		}
	}
	return called || p.retryable(err)
}

// retryable asks what Options.Retry says of a failure. Code that fails to tell says no.
func (p *Pipeline) retryable(err error) bool {
	again := false
	if fault := apart(func() error { again = p.options.Retry.Retryable(err); return nil }); fault != nil {
		p.options.Logger.Error("Options.Retry.Retryable failed", zap.Error(fault))
		return false
	}
	return again
}

// failed tells whether the handler has to be called again before the command can be decided.
func (c *call) failed() bool { return c.err != nil && !errors.Is(c.err, engine.ErrRejected) }
