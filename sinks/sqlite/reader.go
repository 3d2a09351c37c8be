package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// A page is what is read in one go, while a connection is held: at most 256 events, and no further event once about
// 1 MiB is read. Between pages no transaction is open, so a slow caller never keeps the write-ahead log from being
// emptied.
const (
	pageEvents = 256
	pageBytes  = 1 << 20
)

// reader is one connection with the queries of a store.
type reader struct {
	*connection
	log      *sqlite3.Stmt // events after a position, up to another
	versions *sqlite3.Stmt // events of one aggregate that the table versions knows
	place    *sqlite3.Stmt // the event at a position
	last     *sqlite3.Stmt // the last position
	progress *sqlite3.Stmt // how far the table versions is filled
	places   *sqlite3.Stmt // the events after a position
	snapshot *sqlite3.Stmt // the newest snapshot of an aggregate up to a version
	scanner  scanner
}

// newReader prepares the queries. It takes the connection over, and closes it on an error.
func newReader(c *connection) (*reader, error) {
	r := &reader{connection: c}
	var errs []error
	for _, q := range []struct {
		stmt **sqlite3.Stmt
		sql  string
	}{
		{&r.log, "SELECT " + eventColumns + " FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"},
		{&r.versions, "SELECT v.position, e.* FROM streams s JOIN versions v ON v.stream = s.id " +
			"LEFT JOIN events e ON e.position = v.position " +
			"WHERE s.name = ? AND v.version >= ? AND v.version < ? ORDER BY v.version LIMIT ?"},
		{&r.place, "SELECT " + eventColumns + " FROM events WHERE position = ?"},
		{&r.last, "SELECT ifnull(max(position), 0) FROM events"},
		{&r.progress, "SELECT position FROM progress"},
		{&r.places, "SELECT " + eventColumns + " FROM events WHERE position > ? ORDER BY position"},
		{&r.snapshot, findSnapshotSQL},
	} {
		stmt, err := c.prepare(q.sql)
		*q.stmt = stmt
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return r, nil
}

// logPage reads events after a position and up to another, without a gap.
func (r *reader) logPage(after, end engine.Position) ([]engine.Event, error) {
	err := errors.Join(r.log.BindInt64(1, int64(after)), r.log.BindInt64(2, int64(end)), r.log.BindInt(3, pageEvents))
	if err != nil {
		return nil, err
	}
	return r.page(r.log, 0, func(e *engine.Event) error {
		after++
		if e.Position != after {
			return corrupt("table events: position %d stands where %d should", e.Position, after)
		}
		return nil
	})
}

// versionsPage reads events of an aggregate from a version on and before another, as far as the table versions knows
// them.
func (r *reader) versionsPage(aggregate string, from, before engine.Version) ([]engine.Event, error) {
	err := errors.Join(r.versions.BindText(1, aggregate), r.versions.BindInt64(2, int64(from)),
		r.versions.BindInt64(3, int64(before)), r.versions.BindInt(4, pageEvents))
	if err != nil {
		return nil, err
	}
	return r.page(r.versions, 1, func(e *engine.Event) error {
		if e.Subject != aggregate || e.Version != from || int64(e.Position) != r.versions.ColumnInt64(0) {
			return corrupt("table versions: version %d of %q is not at position %d", from, aggregate, r.versions.ColumnInt64(0))
		}
		from++
		return nil
	})
}

// placesPage reads the events of an aggregate that rest at the given positions, from a version on, as many as a page
// holds.
func (r *reader) placesPage(aggregate string, from engine.Version, at []engine.Position) (events []engine.Event, err error) {
	size := 0
	for len(events) < min(len(at), pageEvents) && size < pageBytes {
		if err := r.place.BindInt64(1, int64(at[len(events)])); err != nil {
			return nil, err
		}
		one, err := r.page(r.place, 0, func(e *engine.Event) error {
			size += dataSize(e)
			if e.Subject != aggregate || e.Version != from {
				return corrupt("version %d of %q is not at position %d", from, aggregate, e.Position)
			}
			from++
			return nil
		})
		if err == nil && len(one) == 0 {
			err = corrupt("version %d of %q is not at position %d", from, aggregate, at[len(events)])
		}
		if err != nil {
			return nil, err
		}
		events = append(events, one...)
	}
	return events, nil
}

// dataSize is the number of bytes of a payload that is Raw.
func dataSize(e *engine.Event) int {
	raw, _ := e.Data.(engine.Raw)
	return len(raw)
}

// page runs a query that gives events, each from a column on, and checks each while the query stands on it.
func (r *reader) page(query *sqlite3.Stmt, column int, check func(*engine.Event) error) ([]engine.Event, error) {
	var events []engine.Event
	for size := 0; size < pageBytes && query.Step(); {
		event, n, err := r.scanner.event(query, column)
		if err == nil {
			err = check(&event)
		}
		if err != nil {
			return nil, errors.Join(err, query.Reset())
		}
		size += n
		events = append(events, event)
	}
	if err := query.Err(); err != nil {
		_ = query.Reset() // gives the same error again
		return nil, err
	}
	return events, query.Reset()
}

// one runs a query that gives one number.
func (r *reader) one(query *sqlite3.Stmt) (n int64, err error) {
	if query.Step() {
		n = query.ColumnInt64(0)
	} else if query.Err() == nil {
		err = corrupt("%q gives no row", query.SQL())
	}
	return n, errors.Join(err, query.Reset())
}

// scanPlaces hands over the places of the events after a position, which must follow one another without a gap.
func (r *reader) scanPlaces(after engine.Position) (places []place, err error) {
	if err := r.places.BindInt64(1, int64(after)); err != nil {
		return nil, err
	}
	versions := make(map[string]engine.Version)
	for err == nil && r.places.Step() {
		var e engine.Event
		e, _, err = r.scanner.event(r.places, 0)
		after++
		before, known := versions[e.Subject]
		switch {
		case err != nil:
		case e.Position != after:
			err = corrupt("table events: position %d follows on %d", e.Position, after-1)
		case known && e.Version != before+1:
			err = corrupt("table events, position %d: version %d of %q follows on %d", e.Position, e.Version, e.Subject, before)
		default:
			versions[e.Subject] = e.Version
			places = append(places, place{aggregate: e.Subject, version: e.Version, position: e.Position})
		}
	}
	if err = errors.Join(err, r.places.Reset()); err != nil {
		return nil, err
	}
	return places, nil
}

// readers is a bounded pool of connections. Each is opened when it is first needed.
type readers struct {
	open func(context.Context) (*reader, error)
	// slots holds every reader that is not in use, or nil for one that is not open. Whoever uses one receives it and
	// sends it back; close receives them all. It is never closed. Its capacity is their number: sending never blocks.
	slots chan *reader
}

func newReaders(n int, open func(context.Context) (*reader, error)) *readers {
	p := &readers{open: open, slots: make(chan *reader, n)} // see the field
	for range n {
		p.slots <- nil
	}
	return p
}

// use calls f with a reader that nobody else uses meanwhile. It blocks until one is free or the context is done. A
// context that is done while f reads ends the query.
func (p *readers) use(ctx context.Context, doing string, f func(*reader) error) (err error) {
	var r *reader
	select {
	case r = <-p.slots:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { p.slots <- r }()
	if r == nil {
		if r, err = p.open(ctx); err != nil {
			r = nil
			return explain(ctx, "open a reader", err)
		}
	}
	r.conn.SetInterrupt(ctx)
	err = explain(ctx, doing, f(r))
	r.conn.SetInterrupt(context.Background())
	return err
}

// close waits for the readers in use and closes them all.
func (p *readers) close() error {
	var errs []error
	for range cap(p.slots) {
		if r := <-p.slots; r != nil {
			errs = append(errs, r.close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sqlite: close readers: %w", err)
	}
	return nil
}
