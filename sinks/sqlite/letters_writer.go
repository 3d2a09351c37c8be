package sqlite

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// errFull is the answer to one letter too many.
var errFull = &engine.LimitError{What: "store", Why: fmt.Sprintf(
	"has %d dead letters, no more are kept: replay or drop some", engine.MaxDeadLetters,
)}

// letterWriter changes the table letters within the writer's transactions. What the open one has changed stands beside the
// index until it is committed.
type letterWriter struct {
	index                 *letterIndex
	find, replace, delete *sqlite3.Stmt

	last    uint64 // number that was given, as of the last commit
	given   uint64 // by the open transaction besides
	changed map[engine.ID]*letterHead
	grown   int // letters that the open transaction adds
}

// openLetters prepares the statements and reads the index.
func (w *writer) openLetters() error {
	l := &w.letters
	l.index, l.changed = newLetterIndex(), make(map[engine.ID]*letterHead)
	for _, q := range []struct {
		stmt **sqlite3.Stmt
		sql  string
	}{{&l.find, findLetterSQL}, {&l.replace, replaceLetterSQL}, {&l.delete, removeLetterSQL}} {
		var err error
		if *q.stmt, err = w.prepare(q.sql); err != nil {
			return err
		}
	}
	last, err := w.connection.number("SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'letters'), 0)")
	if err != nil {
		return err
	}
	heads, _, err := w.conn.Prepare("SELECT " + letterHeads + " FROM letters ORDER BY number")
	if err != nil {
		return err
	}
	for err == nil && heads.Step() {
		var row *letterRow
		if row, err = scanLetterHead(heads); err == nil {
			l.changed[row.ID] = row.head()
			l.last = row.Number
		}
	}
	if err = errors.Join(err, heads.Err(), heads.Close()); err != nil {
		return err
	}
	l.last = max(l.last, uint64(last))
	l.committed()
	return nil
}

func (r *letterRow) head() *letterHead { return &letterHead{r.Number, r.aggregate, r.State} }

// there gives what is known of a letter as the open transaction makes it, or nil.
func (l *letterWriter) there(id engine.ID) *letterHead {
	if head, changed := l.changed[id]; changed {
		return head
	}
	if head, there := l.index.byID[id]; there {
		return &head
	}
	return nil
}

// committed says that the open transaction is, and forget that it never came to be.
func (l *letterWriter) committed() {
	if len(l.changed) > 0 {
		l.index.apply(l.changed)
		l.last += l.given
	}
	l.forget()
}

func (l *letterWriter) forget() {
	clear(l.changed)
	l.given, l.grown = 0, 0
}

// keepLetter keeps the letter of an append, which newRequest has written down, in its place when it is there already.
func (w *writer) keepLetter(a *engine.Append) (engine.Result, error) {
	l := &w.letters
	row := &letterRow{DeadLetter: *a.Letter, aggregate: a.Aggregate}
	before := l.there(row.ID)
	switch {
	case before == nil && len(l.index.byID)+l.grown >= engine.MaxDeadLetters:
		return engine.Result{Err: errFull}, nil
	case before == nil:
		row.Number = l.last + l.given + 1
		if err := w.storeLetter(row); err != nil {
			return engine.Result{}, err
		}
		l.given++
		l.grown++
		return engine.Result{Letter: row.Number}, nil
	case before.aggregate != a.Aggregate:
		return engine.Result{Err: &engine.ReusedError{CommandID: row.ID, First: before.aggregate, Again: a.Aggregate}}, nil
	}
	result := engine.Result{Letter: before.number}
	if row.State == engine.Waiting && before.state != engine.Skipped {
		return result, nil // nothing is new
	}
	old, err := w.letter(row.ID)
	if err != nil {
		return engine.Result{}, err
	}
	row.DeadLetter = row.Again(&old.DeadLetter)
	return result, w.storeLetter(row)
}

// letter reads a letter that is there.
func (w *writer) letter(id engine.ID) (row *letterRow, err error) {
	q := w.letters.find
	if err := q.BindBlob(1, id[:]); err != nil {
		return nil, err
	}
	if q.Step() {
		row, err = scanLetter(q)
	} else if q.Err() == nil {
		err = corrupt("table letters: %s is gone", id)
	}
	return row, endQuery(q, err)
}

func (w *writer) storeLetter(row *letterRow) error {
	if err := w.ensureBegun(); err != nil {
		return err
	}
	if err := row.replace(w.letters.replace); err != nil {
		return err
	}
	w.letters.changed[row.ID] = row.head()
	return nil
}

// endLetter removes the letter of a command that is stored, if there is one.
func (w *writer) endLetter(a *engine.Append, result *engine.Result) error {
	l := &w.letters
	if len(l.index.byID)+len(l.changed) == 0 || result.Err != nil || result.Letter > 0 || a.CommandID.IsZero() {
		return nil
	}
	_, err := w.removeLetter(a.CommandID)
	return err
}

func (w *writer) removeLetter(id engine.ID) (removed bool, err error) {
	l := &w.letters
	head := l.there(id)
	if head == nil {
		return false, nil
	}
	if err := w.ensureBegun(); err != nil {
		return false, err
	}
	if err := errors.Join(l.delete.BindInt64(1, int64(head.number)), l.delete.Exec()); err != nil {
		return false, err
	}
	l.changed[id] = nil
	l.grown--
	return true, nil
}

// editLetter puts a command in the place of a letter's; text is what it is written down as.
func (w *writer) editLetter(id engine.ID, cmd *engine.Command, text []byte) (engine.Result, error) {
	if w.letters.there(id) == nil {
		return engine.Result{Err: fmt.Errorf("sqlite: there is no dead letter %s", id)}, nil
	}
	row, err := w.letter(id)
	if err != nil {
		return engine.Result{}, err
	}
	before := row.read()
	if row.DeadLetter, err = before.Edited(cmd); err != nil {
		return engine.Result{Err: err}, nil
	}
	if row.ID != id {
		first := ""
		known, found, err := w.duplicate(&engine.Append{CommandID: row.ID, Aggregate: cmd.Subject})
		if err != nil {
			return engine.Result{}, err
		}
		if reused, ok := errors.AsType[*engine.ReusedError](known.Err); ok {
			first = reused.First
		} else if found {
			first = cmd.Subject
		} else if other := w.letters.there(row.ID); other != nil {
			first, found = other.aggregate, true
		}
		if found {
			return engine.Result{Err: &engine.ReusedError{CommandID: row.ID, First: first, Again: cmd.Subject}}, nil
		}
	}
	row.aggregate = cmd.Subject
	row.write(text, nil)
	if err := w.storeLetter(row); err != nil {
		return engine.Result{}, err
	}
	if row.ID != id {
		w.letters.changed[id] = nil
	}
	return engine.Result{}, nil
}
