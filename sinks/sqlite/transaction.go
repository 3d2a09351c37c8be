package sqlite

import (
	"errors"
	"fmt"

	"github.com/orchestrix-go/orchestrix/engine"
)

// transaction is the group commit under way. Everything that was decided within it is decided on what it holds, so all
// of it becomes true or false together: when it fails, a conflict found in it is as void as an append stored in it.
type transaction struct {
	open     bool             // BEGIN was run
	appends  int              // that were added
	bytes    int              // of their payloads
	decided  []*engine.Result // that become true with the commit
	places   []place          // of the events, in position sequence
	requests []*request       // whose last append was added
}

func (t *transaction) full() bool { return t.appends >= groupAppends || t.bytes >= groupBytes }

// settle ends the transaction for everybody who took part: with the results as they stand, or with an error for all.
func (t *transaction) settle(err error) {
	if err != nil {
		for _, result := range t.decided {
			*result = engine.Result{Err: err}
		}
	}
	for _, r := range t.requests {
		close(r.done)
	}
	clear(t.decided)
	clear(t.places)
	clear(t.requests)
	*t = transaction{decided: t.decided[:0], places: t.places[:0], requests: t.requests[:0]}
}

// end is for a request that a panic interrupted: one that is not done answers with the error where no result stands.
func (r *request) end(err error) {
	select {
	case <-r.done:
		return
	default:
	}
	for i := range r.results {
		if r.results[i] == (engine.Result{}) {
			r.results[i].Err = err
		}
	}
	close(r.done)
}

// add decides one append and puts it into the transaction. Whether it is a duplicate or a conflict is found out before
// anything of it is written, so no append ever has to be taken back alone. An error of SQLite takes the whole
// transaction back, for everybody in it; the appends after it get a new one.
func (w *writer) add(a *engine.Append, result *engine.Result, broken bool) {
	if !w.join(result, size(a)) {
		return
	}
	decided, err := w.decide(a, broken)
	if err != nil {
		w.abort(explain(noContext, "append, nothing stored", err))
		return
	}
	*result = decided
}

// join makes a result part of the transaction, unless the store is shut for writing.
func (w *writer) join(result *engine.Result, bytes int) bool {
	if cause := w.poisoned.Load(); cause != nil {
		result.Err = *cause
		return false
	}
	w.tx.decided = append(w.tx.decided, result)
	w.tx.appends++
	w.tx.bytes += bytes
	return true
}

// decide looks at the rules in their sequence, command id first, and stores the append when they allow it.
func (w *writer) decide(a *engine.Append, broken bool) (engine.Result, error) {
	version, err := w.version(a.Aggregate)
	if err != nil {
		return engine.Result{}, err
	}
	if broken || !a.Expected.Holds(version) {
		first, found, err := w.duplicate(a)
		if found || err != nil {
			return first, err
		}
		return engine.Result{Err: &engine.ConflictError{
			Aggregate: a.Aggregate, Expected: a.Expected, Actual: version,
		}}, nil
	}
	result := engine.Result{
		First: version + 1, Last: version + engine.Version(len(a.Events)), Rejection: a.Rejection,
	}
	if len(a.Events) > 0 {
		result.Position = w.next + engine.Position(len(a.Events)) - 1
	}
	if !a.CommandID.IsZero() {
		// The id is inserted without looking for it first, for nearly all are new. When it is there already nothing is
		// inserted, and its row has the answer.
		inserted, err := w.storeCommand(a, result)
		if err != nil {
			return engine.Result{}, err
		}
		if !inserted {
			first, found, err := w.duplicate(a)
			if err == nil && !found {
				err = corrupt("command %s is there and is not", a.CommandID)
			}
			return first, err
		}
	}
	return result, w.storeEvents(a, result)
}

// duplicate looks for the first result of the append's command id.
func (w *writer) duplicate(a *engine.Append) (first engine.Result, found bool, err error) {
	if a.CommandID.IsZero() {
		return first, false, nil
	}
	q := w.findCommand
	if err := q.BindBlob(1, a.CommandID[:]); err != nil {
		return first, false, err
	}
	if found = q.Step(); found {
		var command storedCommand
		command, err = scanCommand(q, &w.scanner.sum)
		first = command.result(a)
	}
	if err = errors.Join(err, q.Reset()); err != nil {
		return engine.Result{}, false, err
	}
	return first, found, nil
}

// storeCommand keeps the command id with its result. It tells whether the id was new.
func (w *writer) storeCommand(a *engine.Append, result engine.Result) (inserted bool, err error) {
	if err := w.ensureBegun(); err != nil {
		return false, err
	}
	bindCommand(w.insertCommand, &storedCommand{
		id: a.CommandID, aggregate: a.Aggregate, first: result.First, last: result.Last, position: result.Position,
		rejection: a.Rejection, digest: a.Digest,
	})
	if err := w.insertCommand.exec(); err != nil {
		return false, err
	}
	return w.conn.Changes() == 1, nil
}

// storeEvents inserts the events, which the result describes.
func (w *writer) storeEvents(a *engine.Append, result engine.Result) error {
	if len(a.Events) == 0 {
		return nil
	}
	if err := w.ensureBegun(); err != nil {
		return err
	}
	for i := range a.Events {
		at := place{aggregate: a.Aggregate, version: result.First + engine.Version(i), position: w.next}
		bindEvent(w.insertEvent, &a.Events[i].Message, at)
		if err := w.insertEvent.exec(); err != nil {
			return err
		}
		w.tx.places = append(w.tx.places, at)
		w.next++
	}
	w.versions.put(a.Aggregate, result.Last)
	return nil
}

// ensureBegun starts the transaction before its first change.
func (w *writer) ensureBegun() error {
	if w.tx.open {
		return nil
	}
	if err := w.begin.Exec(); err != nil {
		return err
	}
	w.tx.open = true
	return nil
}

// abort takes the transaction back: nothing of it was stored, and all who took part are told so.
func (w *writer) abort(cause error) {
	if w.tx.open && !w.conn.GetAutocommit() { // SQLite takes some transactions back by itself
		if err := w.rollback.Exec(); err != nil {
			w.poison(errors.Join(cause, err))
		}
	}
	w.next -= engine.Position(len(w.tx.places))
	w.versions.clear()
	w.tx.settle(cause)
}

// endTransaction commits what was added and tells everybody. When the tail is long, the index is filled by the same
// commit.
func (w *writer) endTransaction() {
	if !w.tx.open {
		w.tx.settle(nil)
		return
	}
	fill := w.tail.length+len(w.tx.places) >= w.tuning.tailEvents
	if fill {
		if err := w.fillIndex(); err != nil {
			w.abort(explain(noContext, "fill the index, nothing stored", err))
			return
		}
	}
	if err := w.commit.Exec(); err != nil {
		w.failCommit(err)
		return
	}
	last := w.next - 1
	if fill {
		w.tail.clear()
		w.filled = last
	} else {
		w.tail.add(w.tx.places)
	}
	if len(w.tx.places) > 0 {
		w.feed.publish(last)
	}
	w.tx.settle(nil)
}

// failCommit answers a commit that failed. SQLite shows nothing of it to readers, but it may be on the disk, and may be
// there when the file is opened again.
func (w *writer) failCommit(cause error) {
	w.poison(cause)
	if !w.conn.GetAutocommit() {
		_ = w.rollback.Exec() // only to release locks: the store is shut for writing in any case
	}
	w.next -= engine.Position(len(w.tx.places))
	w.versions.clear()
	w.tx.settle(fmt.Errorf("sqlite: commit: %w: %w", engine.ErrUnknown, cause))
}
