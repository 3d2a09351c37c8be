package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// keptFaults is how many faults a VerifyReport names.
const keptFaults = 20

// VerifyReport is what Verify found. Counts are of what was looked at.
type VerifyReport struct {
	Pages     int64    `json:"pages"`
	Events    int64    `json:"events"`
	Streams   int64    `json:"streams"`
	Commands  int64    `json:"commands"`
	Snapshots int64    `json:"snapshots"`
	Letters   int64    `json:"letters"`      // dead letters
	FaultsAll int64    `json:"faults_found"` // those that are not named below included
	Faults    []string `json:"faults"`       // the first 20, each with its place
}

// Err is nil when the store is whole, and else an error that matches [engine.ErrCorrupt] and names the first fault.
func (r *VerifyReport) Err() error {
	if r.FaultsAll == 0 {
		return nil
	}
	return corrupt("%d faults, the first: %s", r.FaultsAll, r.Faults[0])
}

func (r *VerifyReport) add(err error) {
	if r.FaultsAll++; len(r.Faults) < keptFaults {
		r.Faults = append(r.Faults, err.Error())
	}
}

// Verify checks a whole store: the write-ahead log, the checksum of every page and row, SQLite's own structure, and that
// all tables agree with the events. Faults are in the report; an error means that it could not look. It reads everything
// once or twice, in bounded memory, and changes nothing. A writer may be at work: Verify sees the store as it was when it
// began, and the write-ahead log grows until it ends.
func Verify(ctx context.Context, path string) (VerifyReport, error) {
	v := verifier{options: Options{ReadOnly: true}}
	if err := v.options.validate(path); err != nil {
		return VerifyReport{}, err
	}
	path, err := prepareFile(v.options.tuning.disk, path, true)
	if err != nil {
		return VerifyReport{}, fmt.Errorf("sqlite: verify: %w", err)
	}
	v.path = path
	v.report.Faults = []string{}
	err = v.run(ctx)
	return v.report, explain(ctx, "verify "+path, err)
}

// verifier looks at one store.
type verifier struct {
	path    string
	options Options
	reader  *reader
	report  VerifyReport
	filled  engine.Position           // how far the tables streams and commands go
	newest  map[string]engine.Version // of the streams that have grown since
	marks   engine.Version            // how many there must be

	commandsFilled int64 // how many ids the table commands must hold
}

// run goes through all parts. What is damaged does not keep it from looking at the rest.
func (v *verifier) run(ctx context.Context) error {
	d := v.options.tuning.disk
	_, err := checkLog(d, v.path)
	if err = errors.Join(v.judge(err), v.pages(ctx)); err != nil {
		return err
	}
	_, _ = d.create(v.path + sharedSuffix)
	s := &Store{path: v.path, options: v.options, tail: newTail()}
	if v.reader, err = s.openReader(ctx); err != nil {
		return v.judge(err)
	}
	v.reader.conn.SetInterrupt(ctx)
	err = v.reader.conn.Exec("BEGIN")
	for _, part := range []func() error{
		v.structure, v.events, v.streams, v.newestHeads, v.markTable, v.commands, v.outcomes, v.snapshots,
		v.letters,
	} {
		if err == nil {
			err = v.judge(part())
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	}
	return errors.Join(err, v.reader.close())
}

// judge puts damage into the report and gives back any other error.
func (v *verifier) judge(err error) error {
	if err == nil {
		return nil
	}
	if explained := explain(noContext, "verify", err); errors.Is(explained, engine.ErrCorrupt) {
		v.report.add(explained)
		return nil
	}
	return err
}

// pages looks at the checksum of each page of the file. A page may be written meanwhile: one that looks damaged is looked
// at again.
func (v *verifier) pages(ctx context.Context) error {
	file, err := v.options.tuning.disk.open(v.path)
	if err != nil {
		return err
	}
	page := make([]byte, pageSize)
	for at := int64(0); at < file.size && err == nil; at += pageSize {
		if err = ctx.Err(); err != nil {
			break
		}
		whole := false
		for try := 0; try < 3 && !whole && err == nil; try++ {
			if try > 0 {
				time.Sleep(10 * time.Millisecond)
			}
			_, err = file.ReadAt(page, at)
			whole = err == nil && pageIsWhole(page)
		}
		switch {
		case errors.Is(err, io.EOF):
			v.report.add(corrupt("%s ends within page %d (byte %d)", v.path, at/pageSize+1, at))
			err = nil
		case err == nil && !whole:
			v.report.add(corrupt("%s, page %d (byte %d): wrong checksum", v.path, at/pageSize+1, at))
		}
		v.report.Pages++
	}
	return errors.Join(err, file.Close())
}

// pageIsWhole tells whether the last eight bytes of a page are the checksum of the others, as cksumvfs defines it.
func pageIsWhole(page []byte) bool {
	body, kept := page[:pageSize-pageReserve], page[pageSize-pageReserve:]
	var a, b uint32
	for ; len(body) > 0; body = body[8:] {
		a += littleEndian(body) + b
		b += littleEndian(body[4:]) + a
	}
	return littleEndian(kept) == a && littleEndian(kept[4:]) == b
}

// structure lets SQLite look at its trees, and with them at the pages that are only in the log yet.
func (v *verifier) structure() error {
	pages, err := v.reader.number("PRAGMA page_count")
	if err != nil {
		return err
	}
	v.report.Pages = max(v.report.Pages, pages)
	return v.rows(fmt.Sprintf("PRAGMA integrity_check(%d)", keptFaults), func(row *sqlite3.Stmt) error {
		if text := row.ColumnText(0); text != "ok" {
			return corrupt("%s", text)
		}
		return nil
	})
}

// rows runs a query and judges each row. Damage to one row does not end it.
func (v *verifier) rows(sql string, judge func(row *sqlite3.Stmt) error, params ...int64) error {
	stmt, _, err := v.reader.conn.Prepare(sql)
	if err != nil {
		return err
	}
	for i, n := range params {
		err = errors.Join(err, stmt.BindInt64(i+1, n))
	}
	for err == nil && stmt.Step() {
		err = v.judge(judge(stmt))
	}
	return errors.Join(err, stmt.Close())
}
