package sqlite

import (
	"errors"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// storedCommand is the first result of a command id. That of a command with events is in its last event; that of another
// is a row of the table outcomes.
type storedCommand struct {
	id          engine.ID
	aggregate   string
	first, last engine.Version
	position    engine.Position // of the last event, 0 when there is none
	rejection   string
	digest      uint64 // 0 when it is not known
}

// The columns of an outcome, in the sequence in which they are bound (from 1) and scanned (from 0).
const outcomeColumns = "id, aggregate, version, rejection, digest, checksum"

const insertOutcomeSQL = "INSERT INTO outcomes (" + outcomeColumns + ") VALUES (?,?,?,?,?,?)"

// result answers the append that comes again with the id of the command.
func (c *storedCommand) result(a *engine.Append) engine.Result {
	if c.aggregate != a.Aggregate || c.digest != 0 && a.Digest != 0 && c.digest != a.Digest {
		return engine.Result{Err: &engine.ReusedError{CommandID: a.CommandID, First: c.aggregate, Again: a.Aggregate}}
	}
	return engine.Result{First: c.first, Last: c.last, Position: c.position, Rejection: c.rejection, Duplicate: true}
}

// commandOf gives the command that ends at a place.
func commandOf(at *place) storedCommand {
	return storedCommand{
		id: at.command, aggregate: at.aggregate, first: at.version - engine.Version(at.size) + 1, last: at.version,
		position: at.position, digest: at.digest,
	}
}

// bindOutcome binds all columns of a command without events.
func bindOutcome(b *binder, c *storedCommand) {
	b.bytes(1, c.id[:])
	b.text(2, c.aggregate)
	b.number(3, int64(c.last))
	b.optional(4, c.rejection)
	b.number(5, int64(c.digest))
	b.number(6, int64(b.sum.outcome(c)))
}

// scanOutcome reads a row of the table outcomes and makes sure that it is whole.
func scanOutcome(row *sqlite3.Stmt, sum *summer) (c storedCommand, err error) {
	raw := row.ColumnRawBlob(0)
	if len(raw) != len(c.id) {
		return c, corrupt("table outcomes, id %x: it has %d bytes", raw, len(raw))
	}
	copy(c.id[:], raw)
	c.aggregate = row.ColumnText(1)
	c.last = engine.Version(row.ColumnInt64(2))
	c.first = c.last + 1
	c.rejection = row.ColumnText(3)
	c.digest = uint64(row.ColumnInt64(4))
	if row.ColumnInt64(5) != int64(sum.outcome(&c)) {
		err = corrupt("table outcomes, id %s: wrong checksum", c.id)
	}
	return c, errors.Join(err, row.Err())
}

// commandAt gives the command that must end at a position.
func (r *reader) commandAt(id engine.ID, position engine.Position) (c storedCommand, err error) {
	found, err := r.find(position)
	if err == nil && found {
		_, err = r.scanner.event(&r.segment, position, new(engine.Event))
	}
	if at := &r.scanner.at; err == nil && (!found || at.size == 0 || at.command != id) {
		err = corrupt("table commands: %s does not end at position %d", id, position)
	}
	return commandOf(&r.scanner.at), err
}
