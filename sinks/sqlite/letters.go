package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

var _ engine.DeadLetterStore = (*Store)(nil)

// DeadLetters reads the letters with a number above after, in number sequence: those that are there when the iteration
// starts. It reads page by page and holds nothing while the caller handles a letter. One that goes meanwhile may be
// missing, and one that changes may be read either way.
func (s *Store) DeadLetters(ctx context.Context, after uint64) iter.Seq2[engine.DeadLetter, error] {
	return func(yield func(engine.DeadLetter, error) bool) {
		if err := s.readLetters(ctx, after, yield); err != nil && !errors.Is(err, errBroken) {
			yield(engine.DeadLetter{}, err)
		}
	}
}

func (s *Store) readLetters(ctx context.Context, after uint64, yield func(engine.DeadLetter, error) bool) error {
	var end int64
	err := s.use(ctx, "read dead letters", func(r *reader) (err error) {
		end, err = r.connection.number("SELECT ifnull(max(number), 0) FROM letters")
		return err
	})
	for err == nil && after < uint64(end) {
		var page []*letterRow
		err = s.use(ctx, "read dead letters", func(r *reader) (err error) {
			page, err = r.letterPage(after, end)
			return err
		})
		if err == nil && len(page) == 0 {
			return nil
		}
		for _, row := range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			after = row.Number
			if !yield(row.read(), nil) {
				return errBroken
			}
		}
	}
	return err
}

// letterPage reads some letters behind a number, up to another.
func (r *reader) letterPage(after uint64, end int64) (page []*letterRow, err error) {
	q, _, err := r.conn.Prepare("SELECT " + letterColumns + " FROM letters WHERE number > ? AND number <= ? ORDER BY number")
	if err != nil {
		return nil, err
	}
	err = errors.Join(q.BindInt64(1, int64(after)), q.BindInt64(2, end))
	for size := 0; err == nil && len(page) < pageEvents && size < pageBytes && q.Step(); {
		var row *letterRow
		if row, err = scanLetter(q); err == nil {
			page = append(page, row)
			size += row.size()
		}
	}
	return page, closeQuery(q, err)
}

// closeQuery ends a query for good, as endQuery does for a while.
func closeQuery(q *sqlite3.Stmt, err error) error {
	err = endQuery(q, err)
	_ = q.Close() // repeats the error of the last run
	return err
}

// DeadLetter finds a letter by its id. False: there is none.
func (s *Store) DeadLetter(ctx context.Context, id engine.ID) (letter engine.DeadLetter, found bool, err error) {
	err = s.use(ctx, "find a dead letter", func(r *reader) error {
		q, _, err := r.conn.Prepare(findLetterSQL)
		if err != nil {
			return err
		}
		err = q.BindBlob(1, id[:])
		if err == nil && q.Step() {
			var row *letterRow
			if row, err = scanLetter(q); err == nil {
				letter, found = row.read(), true
			}
		}
		return closeQuery(q, err)
	})
	return letter, found, err
}

// CountDeadLetters tells how many letters there are, and how many aggregates are parked. A store that was opened read only
// asks the file, and answers nothing when it cannot.
func (s *Store) CountDeadLetters() (letters, parked int) {
	if s.writer != nil {
		return s.writer.letters.index.count()
	}
	_ = s.use(noContext, "count dead letters", func(r *reader) error {
		n, err := r.connection.number("SELECT count(*) FROM letters")
		if err != nil {
			return err
		}
		aggregates, err := r.connection.number("SELECT count(DISTINCT aggregate) FROM letters WHERE state > 0")
		letters, parked = int(n), int(aggregates)
		return err
	})
	return letters, parked
}

// ParkedBehind gives the first letter of an aggregate that is parked or waits. While nothing is parked it takes no lock. A
// store that was opened read only asks the file, and answers nothing when it cannot.
func (s *Store) ParkedBehind(aggregate string) (letter engine.ID, parked bool) {
	if s.writer != nil {
		return s.writer.letters.index.first(aggregate)
	}
	_ = s.use(noContext, "look for a parked aggregate", func(r *reader) error {
		q, _, err := r.conn.Prepare("SELECT " + letterHeads + " FROM letters WHERE state > 0 AND aggregate = ? ORDER BY number LIMIT 1")
		if err != nil {
			return err
		}
		err = q.BindText(1, aggregate)
		if err == nil && q.Step() {
			var row *letterRow
			if row, err = scanLetterHead(q); err == nil {
				letter, parked = row.ID, true
			}
		}
		return closeQuery(q, err)
	})
	return letter, parked
}

// DropDeadLetters removes letters and says how many there were. It blocks until that is durable: it shares a commit with
// the appends that wait. Errors of the store are those of Append.
func (s *Store) DropDeadLetters(ctx context.Context, ids ...engine.ID) (dropped int, err error) {
	err = s.change(ctx, func(w *writer) (engine.Result, error) {
		dropped = 0 // the transaction may be done again
		for _, id := range ids {
			removed, err := w.removeLetter(id)
			if err != nil {
				return engine.Result{}, err
			}
			if removed {
				dropped++
			}
		}
		return engine.Result{}, nil
	})
	if err != nil {
		return 0, err
	}
	return dropped, nil
}

// EditDeadLetter puts another command in the place of a letter's, encoded by the codec of the options. It blocks until
// that is durable. Errors of the store are those of Append; see [engine.DeadLetterStore].
func (s *Store) EditDeadLetter(ctx context.Context, id engine.ID, command *engine.Command) error {
	var read *engine.Command
	var text []byte
	if command != nil && command.Defect == nil {
		var err error
		if text, err = (&engine.DeadLetter{Command: command}).Written(s.options.Codec); err != nil {
			return fmt.Errorf("sqlite: the command in the place of dead letter %s: %w", id, err)
		}
		if read, err = engine.UnmarshalCloudCommand(text); err != nil {
			return err
		}
		read.Origin = command.Origin
	}
	return s.change(ctx, func(w *writer) (engine.Result, error) { return w.editLetter(id, read, text) })
}

// change lets the writer do something within a transaction, and blocks until that is durable. What is done may be done
// again when SQLite refuses something else in the transaction.
func (s *Store) change(ctx context.Context, do func(w *writer) (engine.Result, error)) error {
	results := make([]engine.Result, 1)
	s.submit(ctx, results, func() *request {
		return &request{ctx: ctx, change: do, results: results, done: make(chan struct{})} // see the field
	})
	return results[0].Err
}
