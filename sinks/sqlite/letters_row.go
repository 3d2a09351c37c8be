package sqlite

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// letterSchema is the table of dead letters, and a view of it for people. What the index in memory needs comes first, so
// that reading it touches no more than the beginning of a row.
const letterSchema = `
CREATE TABLE letters (
	number     INTEGER PRIMARY KEY AUTOINCREMENT,
	id         BLOB    NOT NULL UNIQUE,
	state      INTEGER NOT NULL,
	checksum   INTEGER NOT NULL,
	aggregate  TEXT    NOT NULL,
	attempts   INTEGER NOT NULL,
	first_time INTEGER,
	last_time  INTEGER,
	origin     TEXT    NOT NULL,
	handler    TEXT    NOT NULL,
	reason     TEXT    NOT NULL,
	causes     TEXT    NOT NULL,
	defect     TEXT,
	stack      TEXT    NOT NULL,
	command    BLOB    NOT NULL
);
CREATE VIEW dead_letters AS SELECT
	number, lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4) || '-' ||
		substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) AS id,
	CASE state WHEN 0 THEN 'skipped' WHEN 1 THEN 'parked' WHEN 2 THEN 'waiting' ELSE state END AS state, aggregate,
	CASE WHEN defect IS NULL THEN json_extract(command, '$.type') END AS type, reason, handler, attempts,
	strftime('%Y-%m-%dT%H:%M:%SZ', first_time / 1000000000, 'unixepoch') AS first_time,
	strftime('%Y-%m-%dT%H:%M:%SZ', last_time / 1000000000, 'unixepoch') AS last_time,
	origin, causes, stack, defect, command
FROM letters;
`

// The columns of a letter, in the sequence in which they are bound (from 1) and scanned (from 0).
const (
	letterHeads   = "number, id, state, checksum, aggregate"
	letterColumns = letterHeads + ", attempts, first_time, last_time, origin, handler, reason, causes, defect, stack, command"
)

const (
	replaceLetterSQL = "INSERT OR REPLACE INTO letters (" + letterColumns + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
	findLetterSQL    = "SELECT " + letterColumns + " FROM letters WHERE id = ?"
	removeLetterSQL  = "DELETE FROM letters WHERE number = ?"
)

// letterRow is a letter as the table has it: its command is written down, as Raw, with the Defect when that is not a
// CloudEvents object.
type letterRow struct {
	engine.DeadLetter
	aggregate string
	buffer    []byte
}

// newLetterRow writes a letter down. It may call the codec, so it is not for the writer's goroutine.
func newLetterRow(letter *engine.DeadLetter, aggregate string, codec engine.Codec) (*letterRow, error) {
	text, unreadable := letter.Written(codec)
	if text == nil {
		return nil, unreadable
	}
	row := &letterRow{DeadLetter: letter.Kept(), aggregate: aggregate}
	row.write(text, unreadable)
	row.DeadLetter = row.Kept()
	return row, nil
}

// write puts a text in the place of the command.
func (r *letterRow) write(text []byte, unreadable error) {
	r.Command = &engine.Command{
		Message: engine.Message{Data: engine.Raw(text)}, Origin: r.Command.Origin, Defect: unreadable,
	}
}

// read gives the letter with its command.
func (r *letterRow) read() engine.DeadLetter {
	letter, written := r.DeadLetter, r.Command
	if written.Defect != nil {
		return letter
	}
	cmd, err := engine.UnmarshalCloudCommand(written.Data.(engine.Raw))
	if err != nil { // it was written by a program that had other rules
		twin := *written
		twin.Defect, letter.Command = err, &twin
		return letter
	}
	cmd.Origin, letter.Command = written.Origin, cmd
	return letter
}

// size is about the number of bytes that the row takes.
func (r *letterRow) size() int {
	return len(r.Command.Data.(engine.Raw)) + len(r.Stack) + len(r.Reason())*2 + 512
}

// sum is the checksum of the row: in its upper half that of what the index in memory needs, in its lower half that of the
// rest.
func (r *letterRow) sum(causes string) int64 {
	head := r.headSum()
	r.buffer = r.buffer[:0]
	r.number(uint64(r.Attempts))
	r.number(uint64(nanoseconds(r.First)))
	r.number(uint64(nanoseconds(r.Last)))
	for _, text := range [...]string{r.Command.Origin, r.Handler, r.Reason(), causes, r.Stack} {
		r.text(text)
	}
	if r.Command.Defect != nil {
		r.text(r.Command.Defect.Error())
	}
	rest := crc32.Update(crc32.Checksum(r.buffer, castagnoli), castagnoli, r.Command.Data.(engine.Raw))
	return int64(uint64(head)<<32 | uint64(rest))
}

func (r *letterRow) headSum() uint32 {
	r.buffer = append(r.buffer[:0], r.ID[:]...)
	r.number(r.Number)
	r.number(uint64(r.State))
	r.text(r.aggregate)
	return crc32.Checksum(r.buffer, castagnoli)
}

func (r *letterRow) number(n uint64) { r.buffer = binary.LittleEndian.AppendUint64(r.buffer, n) }

// text adds a text behind its length: bytes that move from one column to the next are found too.
func (r *letterRow) text(t string) {
	r.buffer = binary.AppendUvarint(r.buffer, uint64(len(t)))
	r.buffer = append(r.buffer, t...)
}

// nanoseconds is a time as it is stored, 0 for none: that of an attempt is never one that does not fit.
func nanoseconds(t time.Time) int64 {
	if t.Year() < 1678 || t.Year() > 2261 {
		return 0
	}
	return t.UnixNano()
}

// replace inserts the row, in the place of one with its number.
func (r *letterRow) replace(q *sqlite3.Stmt) error {
	causes, err := json.Marshal(r.Causes)
	if err != nil {
		return err
	}
	text, defect := r.Command.Data.(engine.Raw), r.Command.Defect
	errs := []error{
		q.BindInt64(1, int64(r.Number)), q.BindBlob(2, r.ID[:]), q.BindInt(3, int(r.State)),
		q.BindInt64(4, r.sum(string(causes))), q.BindText(5, r.aggregate), q.BindInt(6, r.Attempts),
		bindNanoseconds(q, 7, r.First), bindNanoseconds(q, 8, r.Last), q.BindText(9, r.Command.Origin),
		q.BindText(10, r.Handler), q.BindText(11, r.Reason()), q.BindText(12, string(causes)), q.BindText(14, r.Stack),
	}
	if defect == nil {
		errs = append(errs, q.BindNull(13), q.BindRawText(15, text))
	} else {
		errs = append(errs, q.BindText(13, defect.Error()), q.BindBlob(15, text))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return errors.Join(q.Exec(), q.ClearBindings()) // a large command is not kept by SQLite
}

func bindNanoseconds(q *sqlite3.Stmt, param int, t time.Time) error {
	if n := nanoseconds(t); n != 0 {
		return q.BindInt64(param, n)
	}
	return q.BindNull(param)
}

// scanLetterHead reads the columns of letterHeads and makes sure that they are whole.
func scanLetterHead(q *sqlite3.Stmt) (*letterRow, error) {
	r := &letterRow{aggregate: q.ColumnText(4)}
	r.Number, r.State = uint64(q.ColumnInt64(0)), engine.LetterState(q.ColumnInt64(2))
	id := q.ColumnRawBlob(1)
	copy(r.ID[:], id)
	if len(id) != len(r.ID) || r.State > engine.Waiting || uint32(uint64(q.ColumnInt64(3))>>32) != r.headSum() {
		return nil, corrupt("table letters, number %d: wrong checksum", r.Number)
	}
	return r, q.Err()
}

// scanLetter reads all columns and makes sure that they are whole.
func scanLetter(q *sqlite3.Stmt) (*letterRow, error) {
	r, err := scanLetterHead(q)
	if err != nil {
		return nil, err
	}
	r.Attempts, r.First, r.Last = q.ColumnInt(5), scanNanoseconds(q, 6), scanNanoseconds(q, 7)
	r.Handler, r.Stack = q.ColumnText(9), q.ColumnText(13)
	causes := q.ColumnText(11)
	if reason := q.ColumnText(10); reason != "" {
		r.Err = errors.New(reason)
	}
	r.Command = &engine.Command{Origin: q.ColumnText(8)}
	if q.ColumnType(12) != sqlite3.NULL {
		r.Command.Defect = errors.New(q.ColumnText(12))
	}
	r.Command.Data = append(engine.Raw{}, q.ColumnRawBlob(14)...)
	err = q.Err()
	if err == nil && q.ColumnInt64(3) != r.sum(causes) {
		err = corrupt("table letters, number %d: wrong checksum", r.Number)
	}
	if err == nil && causes != "[]" {
		err = json.Unmarshal([]byte(causes), &r.Causes)
	}
	return r, err
}

func scanNanoseconds(q *sqlite3.Stmt, column int) time.Time {
	if q.ColumnType(column) == sqlite3.NULL {
		return time.Time{}
	}
	return time.Unix(0, q.ColumnInt64(column)).UTC()
}
