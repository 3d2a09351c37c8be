package sqlite

import (
	"errors"
	"maps"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// filler writes the tables streams and commands, for many events at a time: a stream that has grown often is written
// once, and the ids of commands come sorted.
type filler struct {
	setHead     *binder
	setProgress *sqlite3.Stmt
	commands    commandIndex
}

const setHeadSQL = "INSERT OR REPLACE INTO streams (name, version, position, checksum) VALUES (?,?,?,?)"

// fill writes heads and entries, and that the tables go up to a position from now on. The caller's transaction is around
// it.
func (f *filler) fill(heads map[string]head, entries []entry, upTo engine.Position) error {
	for _, name := range slices.Sorted(maps.Keys(heads)) { // neighbours in the table share a page
		b, h := f.setHead, heads[name]
		b.text(1, name)
		b.number(2, int64(h.version))
		b.number(3, int64(h.position))
		b.number(4, int64(b.sum.stream(name, h)))
		if err := b.exec(); err != nil {
			return err
		}
	}
	sorted := slices.Clone(entries) // they are nearly sorted when ids grow with time, which makes it cheap
	slices.SortFunc(sorted, compareEntries)
	if err := f.commands.merge(sorted); err != nil {
		return err
	}
	return errors.Join(f.setProgress.BindInt64(1, int64(upTo)), f.setProgress.Exec())
}
