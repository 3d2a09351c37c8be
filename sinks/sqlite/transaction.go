package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// transaction is the group commit under way. Everything that was decided within it is decided on what it holds, so all
// of it becomes true or false together: when it fails, a conflict found in it is as void as an append stored in it.
type transaction struct {
	open     bool       // BEGIN was run
	bytes    int        // of the payloads of its tasks
	tasks    []task     // whose results become true with the commit
	events   int        // that were added
	places   []place    // of the last event of each append, in position sequence
	requests []*request // whose last append was added
}

// put takes a task in. It is copied field by field, all of them: as a whole it would be read too soon, see decide.
func (t *transaction) put(from task) {
	n := len(t.tasks)
	t.tasks = slices.Grow(t.tasks, 1)[:n+1]
	to := &t.tasks[n]
	to.append, to.snapshot, to.change, to.result, to.before = from.append, from.snapshot, from.change, from.result, from.before
	t.bytes += from.size()
}

func (t *transaction) full() bool { return len(t.tasks) >= groupAppends || t.bytes >= groupBytes }

// settle ends the transaction for everybody who took part: with the results as they stand, or with an error for all.
func (t *transaction) settle(err error) {
	if err != nil {
		for _, t := range t.tasks {
			*t.result = engine.Result{Err: err}
		}
	}
	for _, r := range t.requests {
		close(r.done)
	}
	clear(t.tasks)
	clear(t.places)
	clear(t.requests)
	*t = transaction{tasks: t.tasks[:0], places: t.places[:0], requests: t.requests[:0]}
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

// task is one append, or one snapshot or change, that goes into a transaction: put copies each field.
type task struct {
	append   *engine.Append
	snapshot *engine.Snapshot                       // instead of an append
	change   func(w *writer) (engine.Result, error) // instead of an append
	result   *engine.Result
	before   *engine.Result // of the append that this one is chained to, or nil
}

func (t *task) size() int {
	switch {
	case t.snapshot != nil:
		return len(t.snapshot.Data)
	case t.change != nil:
		return 0
	}
	return size(t.append)
}

// add decides one append and puts it into the transaction, unless the store is shut for writing. Whether it is a
// duplicate or a conflict is found out before anything of it is written, so no append ever has to be taken back alone.
func (w *writer) add(t task) {
	if cause := w.poisoned.Load(); cause != nil {
		t.result.Err = *cause
		return
	}
	w.tx.put(t)
	if err := w.perform(t); err != nil {
		w.takeBack(explain(noContext, "nothing stored", err))
	}
}

// perform does what the task asks for, and writes what was decided into its result. After an error what stands there means
// nothing: takeBack sees to it.
func (w *writer) perform(t task) (err error) {
	switch {
	case t.snapshot != nil:
		*t.result, err = w.keepSnapshot(t.snapshot)
	case t.change != nil:
		*t.result, err = t.change(w)
	default:
		if err = w.decide(t.append, t.before != nil && t.append.Broken(t.before), t.result); err == nil {
			err = w.endLetter(t.append, t.result)
		}
	}
	if err == nil && w.oneByOne {
		err = w.segments.flush()
	}
	return err
}

// takeBack takes the transaction back after an error of SQLite. A segment holds events of many appends, so whose event it
// was is not known: what took part is added again, each append inserted before the next one is decided. The error then takes
// back what stands before it in a transaction, for everybody in it, and the appends after it get a new one.
func (w *writer) takeBack(cause error) {
	if w.oneByOne || len(w.tx.tasks) == 1 {
		w.abort(cause)
		return
	}
	tasks, requests := slices.Clone(w.tx.tasks), slices.Clone(w.tx.requests)
	w.tx.requests = w.tx.requests[:0]
	w.abort(cause)
	w.oneByOne = true
	for _, t := range tasks {
		*t.result = engine.Result{}
		w.add(t)
	}
	w.oneByOne = false
	w.tx.requests = append(w.tx.requests, requests...)
}

// decide looks at the rules in their sequence, command id first, and stores the append when they allow it. It fills the result,
// which is empty, in place and field by field. As a value it would be copied at once: to read 16 bytes that were written just
// now as two times 8, the processor waits until every write before them is done: 140 ns an append, in a profile.
func (w *writer) decide(a *engine.Append, broken bool, result *engine.Result) (err error) {
	if first, found, err := w.duplicate(a); found || err != nil {
		*result = first
		return err
	}
	if a.Letter != nil && !broken {
		*result, err = w.keepLetter(a)
		return err
	}
	h, err := w.head(a.Aggregate)
	if err != nil {
		return err
	}
	if broken || !a.Expected.Holds(h.version) {
		result.Err = &engine.ConflictError{Aggregate: a.Aggregate, Expected: a.Expected, Actual: h.version}
		return nil
	}
	result.First, result.Last, result.Rejection = h.version+1, h.version+engine.Version(len(a.Events)), a.Rejection
	if len(a.Events) > 0 {
		result.Position = w.next + engine.Position(len(a.Events)) - 1
		return w.storeEvents(a, h)
	}
	if a.CommandID.IsZero() {
		return nil
	}
	return w.storeOutcome(a, result.Last)
}

// duplicate looks for the first result of the append's command id.
func (w *writer) duplicate(a *engine.Append) (first engine.Result, found bool, err error) {
	if a.CommandID.IsZero() {
		return first, false, nil
	}
	position, found := w.recent[a.CommandID]
	if !found {
		if position, err = w.filler.commands.position(a.CommandID); err != nil {
			return first, false, err
		}
		found = position > 0
	}
	var command storedCommand
	if found {
		if err = w.segments.flush(); err != nil { // it may end in this transaction
			return first, false, err
		}
		command, err = w.commandAt(a.CommandID, position)
	} else if bytes.Compare(a.CommandID[:], w.outcome[:]) <= 0 {
		command, found, err = w.outcomeOf(a.CommandID)
	}
	if !found || err != nil {
		return engine.Result{}, false, err
	}
	return command.result(a), true, nil
}

// outcomeOf looks for a command without events.
func (w *writer) outcomeOf(id engine.ID) (c storedCommand, found bool, err error) {
	q := w.findOutcome
	if err := q.BindBlob(1, id[:]); err != nil {
		return c, false, err
	}
	if found = q.Step(); found {
		c, err = scanOutcome(q, &w.sum)
	}
	return c, found, endQuery(q, err)
}

// storeOutcome keeps the id of a command that leaves no event, with its result. Last is the version of its stream.
func (w *writer) storeOutcome(a *engine.Append, last engine.Version) error {
	if err := w.ensureBegun(); err != nil {
		return err
	}
	bindOutcome(w.insertOutcome, &storedCommand{
		id: a.CommandID, aggregate: a.Aggregate, last: last, rejection: a.Rejection, digest: a.Digest,
	})
	if bytes.Compare(a.CommandID[:], w.outcome[:]) > 0 {
		w.outcome = a.CommandID
	}
	return w.insertOutcome.exec()
}

// storeEvents inserts the events behind the head of their stream, which becomes that of the last one.
func (w *writer) storeEvents(a *engine.Append, h *head) error {
	if err := w.ensureBegun(); err != nil {
		return err
	}
	known := h.version > 0 // to the cache
	var at place
	for i := range a.Events {
		at = place{aggregate: a.Aggregate, version: h.version + 1, position: w.next, previous: h.position}
		if i == len(a.Events)-1 && !a.CommandID.IsZero() {
			at.command, at.size, at.digest = a.CommandID, len(a.Events), a.Digest
		}
		if err := w.storeEvent(&a.Events[i].Message, &at); err != nil {
			return err
		}
		*h = at.head()
		w.tx.events++
		w.next++
	}
	w.tx.places = append(w.tx.places, at)
	if !known {
		w.versions.put(a.Aggregate, h)
	}
	if at.size > 0 {
		w.remember(a.CommandID, at.position)
	}
	return nil
}

// storeEvent inserts one event, and a mark when its version has one.
func (w *writer) storeEvent(m *engine.Message, at *place) error {
	kind, err := w.kinds.number(m)
	if err != nil {
		return err
	}
	if err = w.segments.add(m, at, kind); err != nil || at.version%markEvery != 0 {
		return err
	}
	q := w.insertMark
	return errors.Join(q.BindText(1, at.aggregate), q.BindInt64(2, int64(at.version)),
		q.BindInt64(3, int64(at.position)), q.Exec())
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
	w.forget()
	w.tx.settle(cause)
}

// forget drops what is known only from a transaction that never came to be.
func (w *writer) forget() {
	w.next -= engine.Position(w.tx.events)
	w.segments.forget()
	w.letters.forget()
	w.reader.forget()
	for i := range w.tx.places {
		if p := &w.tx.places[i]; p.size > 0 {
			delete(w.recent, p.command)
			w.entries = w.entries[:len(w.entries)-1]
		}
	}
	w.versions.clear()
	w.kinds.forget()
	w.scanner.kinds.known = nil
	w.filler.commands.forget()
}

// endTransaction commits what was added and tells everybody. When the tail is long, the index is filled by the same
// commit.
func (w *writer) endTransaction() {
	if !w.tx.open {
		w.tx.settle(nil)
		return
	}
	if err := w.segments.flush(); err != nil {
		w.takeBack(explain(noContext, "nothing stored", err))
	}
	if !w.tx.open {
		w.tx.settle(nil)
		return
	}
	fill := w.tail.length+w.tx.events >= w.tuning.tailEvents
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
	w.letters.committed()
	last := w.next - 1
	if fill {
		w.tail.clear()
		clear(w.recent)
		w.entries = w.entries[:0]
		w.filled = last
	} else {
		w.tail.add(w.tx.places, w.tx.events)
	}
	if w.tx.events > 0 {
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
	w.forget()
	w.tx.settle(fmt.Errorf("sqlite: commit: %w: %w", engine.ErrUnknown, cause))
}
