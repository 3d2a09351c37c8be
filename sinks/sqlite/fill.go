package sqlite

import (
	"errors"
	"maps"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// filler writes the tables streams and versions, many events at a time, aggregate by aggregate: the rows of one
// aggregate stand side by side, so that a page of the index takes many of them at once.
type filler struct {
	findStream    *sqlite3.Stmt
	insertStream  *sqlite3.Stmt
	insertVersion *sqlite3.Stmt
	setProgress   *sqlite3.Stmt
}

func newFiller(prepare func(sql string) *sqlite3.Stmt) filler {
	return filler{
		findStream:    prepare("SELECT id FROM streams WHERE name = ?"),
		insertStream:  prepare("INSERT INTO streams (name) VALUES (?) RETURNING id"),
		insertVersion: prepare("INSERT INTO versions (stream, version, position) VALUES (?, ?, ?)"),
		setProgress:   prepare("UPDATE progress SET position = ?"),
	}
}

// fill writes what two tails hold, the older one first, and that the index goes up to a position from now on. The
// caller's transaction is around it.
func (f *filler) fill(older, newer map[string]*tailStream, upTo engine.Position) error {
	names := slices.AppendSeq(make([]string, 0, len(older)+len(newer)), maps.Keys(older))
	for name := range newer {
		if older[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names) // new streams then get numbers in the sequence of their names: the same input, the same file
	for _, name := range names {
		id, err := f.stream(name)
		if err == nil {
			err = f.versions(id, older[name])
		}
		if err == nil {
			err = f.versions(id, newer[name])
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(f.setProgress.BindInt64(1, int64(upTo)), f.setProgress.Exec())
}

// stream gives the number of an aggregate, and gives a new aggregate one.
func (f *filler) stream(name string) (id int64, err error) {
	for _, query := range []*sqlite3.Stmt{f.findStream, f.insertStream} {
		if err := query.BindText(1, name); err != nil {
			return 0, err
		}
		found := query.Step()
		if found {
			id = query.ColumnInt64(0)
			query.Step() // an INSERT ends with its last step
		}
		if err := query.Reset(); err != nil || found {
			return id, err
		}
	}
	return 0, corrupt("the stream %q cannot be numbered", name)
}

// versions writes the versions of one aggregate; nil is none.
func (f *filler) versions(id int64, stream *tailStream) error {
	if stream == nil {
		return nil
	}
	q := f.insertVersion
	err := q.BindInt64(1, id)
	for i, position := range stream.positions {
		if err == nil {
			err = q.BindInt64(2, int64(stream.first)+int64(i))
		}
		if err == nil {
			err = q.BindInt64(3, int64(position))
		}
		if err == nil {
			err = q.Exec()
		}
		if err != nil {
			return err
		}
	}
	return err
}
