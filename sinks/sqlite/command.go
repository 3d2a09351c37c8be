package sqlite

import (
	"errors"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// storedCommand is a row of the table commands: the first result of a command id.
type storedCommand struct {
	id          engine.ID
	aggregate   string
	first, last engine.Version
	position    engine.Position // of the last event, 0 when there is none
	rejection   string
	digest      uint64 // 0 when it is not known
}

// The columns of a command, in the sequence in which they are bound (from 1) and scanned (from 0).
const commandColumns = "id, aggregate, first, last, position, rejection, digest, checksum"

const insertCommandSQL = "INSERT INTO commands (" + commandColumns + ") VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"

// findCommandSQL gives a command with the aggregate and version of the event that it points to.
const findCommandSQL = "SELECT c.*, e.aggregate, e.version FROM commands c LEFT JOIN events e ON e.position = c.position"

// result answers the append that comes again with the id of the command.
func (c *storedCommand) result(a *engine.Append) engine.Result {
	if c.aggregate != a.Aggregate || c.digest != 0 && a.Digest != 0 && c.digest != a.Digest {
		return engine.Result{Err: &engine.ReusedError{CommandID: a.CommandID, First: c.aggregate, Again: a.Aggregate}}
	}
	return engine.Result{First: c.first, Last: c.last, Position: c.position, Rejection: c.rejection, Duplicate: true}
}

// bindCommand binds all columns of a command.
func bindCommand(b *binder, c *storedCommand) {
	b.bytes(1, c.id[:])
	b.text(2, c.aggregate)
	b.number(3, int64(c.first))
	b.number(4, int64(c.last))
	b.number(5, int64(c.position))
	b.optional(6, c.rejection)
	b.number(7, int64(c.digest))
	b.number(8, int64(b.sum.command(c)))
}

// scanCommand reads a row of findCommandSQL and makes sure that it is whole and agrees with its event.
func scanCommand(row *sqlite3.Stmt, sum *summer) (c storedCommand, err error) {
	raw := row.ColumnRawBlob(0)
	if len(raw) != len(c.id) {
		return c, corrupt("table commands, id %x: it has %d bytes", raw, len(raw))
	}
	copy(c.id[:], raw)
	c.aggregate = row.ColumnText(1)
	c.first, c.last = engine.Version(row.ColumnInt64(2)), engine.Version(row.ColumnInt64(3))
	c.position = engine.Position(row.ColumnInt64(4))
	c.rejection = row.ColumnText(5)
	c.digest = uint64(row.ColumnInt64(6))
	switch stored := row.ColumnInt64(7); {
	case stored != int64(sum.command(&c)):
		err = corrupt("table commands, id %s: wrong checksum", c.id)
	case c.position == 0 && c.last+1 != c.first || c.position != 0 && c.last < c.first:
		err = corrupt("table commands, id %s: versions %d to %d at position %d", c.id, c.first, c.last, c.position)
	case c.position != 0 && (row.ColumnText(8) != c.aggregate || engine.Version(row.ColumnInt64(9)) != c.last):
		err = corrupt("table commands, id %s: version %d of %q is not at position %d", c.id, c.last, c.aggregate, c.position)
	}
	return c, errors.Join(err, row.Err())
}
