package sqlite

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// blockEntries is how many ids a row of the table commands holds at most. SQLite keeps so many bytes in one page.
const blockEntries = 40

// entry leads from the id of a command to the position of its last event. In the table it has 24 bytes, the most
// significant first.
type entry struct {
	high, low uint64 // of the id: a pair of numbers is sorted faster than bytes
	position  engine.Position
}

const entryBytes = len(engine.ID{}) + 8

func newEntry(id engine.ID, position engine.Position) entry {
	return entry{binary.BigEndian.Uint64(id[:]), binary.BigEndian.Uint64(id[8:]), position}
}

func (e entry) id() (id engine.ID) {
	binary.BigEndian.PutUint64(id[:], e.high)
	binary.BigEndian.PutUint64(id[8:], e.low)
	return id
}

func compareEntries(a, b entry) int {
	if a.high == b.high {
		return cmp.Compare(a.low, b.low)
	}
	return cmp.Compare(a.high, b.high)
}

// commandIndex finds the event of a command id in the table commands. A row is a block of ids, sorted, with the highest
// of them as its key: thousands of ids that are merged at once cost some hundred rows. Ids that grow with time, as those
// of engine.NewID do, only ever reach the last block.
type commandIndex struct {
	find    *sqlite3.Stmt // the first block whose key is not below an id
	highest *sqlite3.Stmt // the last block
	insert  *sqlite3.Stmt
	remove  *sqlite3.Stmt
	last    engine.ID // no id above it is in the table
}

const blockColumns = "last, entries, checksum"

func newCommandIndex(prepare func(sql string) *sqlite3.Stmt) commandIndex {
	return commandIndex{
		find:    prepare("SELECT " + blockColumns + " FROM commands WHERE last >= ? ORDER BY last LIMIT 1"),
		highest: prepare("SELECT " + blockColumns + " FROM commands ORDER BY last DESC LIMIT 1"),
		insert:  prepare("INSERT INTO commands (" + blockColumns + ") VALUES (?,?,?)"),
		remove:  prepare("DELETE FROM commands WHERE last = ?"),
	}
}

// restore finds out which id is the last one.
func (x *commandIndex) restore() error {
	entries, _, err := x.block(x.highest)
	if x.last = (engine.ID{}); err == nil && len(entries) > 0 {
		x.last = entries[len(entries)-1].id()
	}
	return err
}

// forget drops what is known of a table that was taken back: every id may be in it.
func (x *commandIndex) forget() { x.last = engine.ID(bytes.Repeat([]byte{0xff}, len(x.last))) }

// position gives the position of the last event of a command, 0 when its id is not in the table.
func (x *commandIndex) position(id engine.ID) (engine.Position, error) {
	if bytes.Compare(id[:], x.last[:]) > 0 {
		return 0, nil
	}
	if err := x.find.BindBlob(1, id[:]); err != nil {
		return 0, err
	}
	entries, found, err := x.block(x.find)
	if !found || err != nil {
		return 0, err
	}
	i, found := slices.BinarySearchFunc(entries, newEntry(id, 0), compareEntries)
	if !found {
		return 0, nil
	}
	return entries[i].position, nil
}

// block runs a query that gives a block at most.
func (x *commandIndex) block(query *sqlite3.Stmt) (entries []entry, found bool, err error) {
	if found = query.Step(); found {
		entries, err = scanBlock(query)
	}
	return entries, found, endQuery(query, err)
}

// scanBlock reads the row that the statement stands on and makes sure that it is whole.
func scanBlock(row *sqlite3.Stmt) ([]entry, error) {
	last, raw := engine.ID{}, row.ColumnRawBlob(1)
	copy(last[:], row.ColumnRawBlob(0))
	raw = bytes.Clone(raw)
	n := len(raw) / entryBytes
	switch sum := crc32.Checksum(raw, castagnoli); {
	case row.Err() != nil:
		return nil, row.Err()
	case row.ColumnInt64(2) != int64(sum) || n == 0 || n*entryBytes != len(raw):
		return nil, corrupt("table commands, block %s: wrong checksum", last)
	}
	entries := make([]entry, n, n+blockEntries)
	for i := range entries {
		one := raw[i*entryBytes:]
		entries[i] = newEntry(engine.ID(one[:len(last)]), engine.Position(binary.BigEndian.Uint64(one[len(last):])))
		if i > 0 && compareEntries(entries[i-1], entries[i]) >= 0 {
			return nil, corrupt("table commands, block %s: not sorted", last)
		}
	}
	if entries[n-1].id() != last {
		return nil, corrupt("table commands, block %s: ends with %s", last, entries[n-1].id())
	}
	return entries, nil
}

// merge adds entries, which are sorted, and none of whose ids is in the table.
func (x *commandIndex) merge(added []entry) error {
	for len(added) > 0 {
		first := added[0].id()
		if err := x.find.BindBlob(1, first[:]); err != nil {
			return err
		}
		entries, found, err := x.block(x.find)
		n := len(added) // into the last block, or none
		if err == nil && !found {
			entries, _, err = x.block(x.highest)
		} else if err == nil {
			n, _ = slices.BinarySearchFunc(added, entries[len(entries)-1], compareEntries)
		}
		if err == nil {
			err = x.replace(entries, added[:n])
		}
		if err != nil {
			return err
		}
		added = added[n:]
	}
	return x.restore()
}

// replace puts blocks of a block and the entries that belong to it in its place.
func (x *commandIndex) replace(block, added []entry) error {
	if len(block) > 0 {
		last := block[len(block)-1].id()
		if err := errors.Join(x.remove.BindBlob(1, last[:]), x.remove.Exec()); err != nil {
			return err
		}
	}
	all := append(block, added...)
	slices.SortFunc(all, compareEntries)
	for blocks := (len(all) + blockEntries - 1) / blockEntries; blocks > 0; blocks-- {
		n := len(all) / blocks
		last, raw := all[n-1].id(), make([]byte, 0, n*entryBytes)
		for _, e := range all[:n] {
			raw = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(raw, e.high), e.low)
			raw = binary.BigEndian.AppendUint64(raw, uint64(e.position))
		}
		if err := errors.Join(x.insert.BindBlob(1, last[:]), x.insert.BindBlob(2, raw),
			x.insert.BindInt64(3, int64(crc32.Checksum(raw, castagnoli))), x.insert.Exec()); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}
