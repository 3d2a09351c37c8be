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
	log      *sqlite3.Stmt // the segments with events after a position
	place    *sqlite3.Stmt // the segment of a position
	stream   *sqlite3.Stmt // the head of a stream that the table streams knows
	mark     *sqlite3.Stmt // the position of a version that has a mark
	last     *sqlite3.Stmt // the last position
	progress *sqlite3.Stmt // how far the tables streams and commands are filled
	begun    *sqlite3.Stmt
	ended    *sqlite3.Stmt
	snapshot *sqlite3.Stmt // the newest snapshot of an aggregate up to a version
	cache    *partCache    // of the store; nil for the writer and for Verify, who load no streams
	scanner  scanner
	sum      summer
	segment  segment // that place found last; the segments of log are another's
	passing  segment // of log: good for one step
}

// newReader prepares the queries. It takes the connection over, and closes it on an error.
func newReader(c *connection) (*reader, error) {
	r := &reader{connection: c}
	var errs []error
	for _, q := range []struct {
		stmt **sqlite3.Stmt
		sql  string
	}{
		{&r.log, "SELECT " + segmentColumns + " FROM segments WHERE last > ? ORDER BY last"},
		{&r.place, "SELECT " + segmentColumns + " FROM segments WHERE last >= ? ORDER BY last"},
		{&r.stream, "SELECT version, position, checksum FROM streams WHERE name = ?"},
		{&r.mark, "SELECT position FROM marks WHERE aggregate = ? AND version = ?"},
		{&r.scanner.kinds.find, "SELECT " + kindColumns + " FROM kinds WHERE id = ?"},
		{&r.last, "SELECT ifnull(max(last), 0) FROM segments"},
		{&r.progress, "SELECT position FROM progress"},
		{&r.snapshot, findSnapshotSQL},
		{&r.begun, "BEGIN"},
		{&r.ended, "COMMIT"},
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

// begin makes all that is read until the reader is given back one transaction: of one moment, and without the locks of a
// transaction for each query.
func (r *reader) begin() error {
	r.forget()
	return r.begun.Exec()
}

// forget drops what was read before.
func (r *reader) forget() { r.segment.first, r.segment.last = 0, 0 }

// logPage reads a part of the log, or its first events, without a gap, into the array of a page that is done with.
func (r *reader) logPage(of span, used []engine.Event) (page []engine.Event, err error) {
	if cap(used) < pageEvents {
		used = make([]engine.Event, pageEvents)
	}
	page = used[:pageEvents]
	clear(page)
	n, size := 0, 0
	err = r.segments(engine.Position(of.after), func(s *segment, position engine.Position) (more bool, err error) {
		giveWay(n)
		bytes, err := r.scanner.event(s, position, &page[n])
		n++
		size += bytes
		return n < pageEvents && size < pageBytes && uint64(position) < of.end, err
	})
	return page[:n], err
}

// segments hands over where each event after a position is, as long as more are wanted. There must not be a gap.
func (r *reader) segments(after engine.Position, next func(*segment, engine.Position) (more bool, err error)) error {
	q := r.log
	if err := q.BindInt64(1, int64(after)); err != nil {
		return err
	}
	var err error
	for more := true; more && err == nil && q.Step(); {
		if err = r.passing.load(q); err == nil && !r.passing.holds(after+1) {
			err = corrupt("table segments: position %d follows on %d", r.passing.first, after)
		}
		for more && err == nil && after < r.passing.last {
			after++
			more, err = next(&r.passing, after)
		}
	}
	return endQuery(q, err)
}

// dataSize is the number of bytes of a payload that is Raw.
func dataSize(m *engine.Message) int {
	raw, _ := m.Data.(engine.Raw)
	return len(raw)
}

// one runs a query that gives one number.
func (r *reader) one(query *sqlite3.Stmt) (n int64, err error) {
	if query.Step() {
		n = query.ColumnInt64(0)
	} else if query.Err() == nil {
		err = corrupt("%q gives no row", query.SQL())
	}
	return n, endQuery(query, err)
}

// scanPlaces hands over the places of the events after a position.
func (r *reader) scanPlaces(after engine.Position) (places []place, err error) {
	heads := make(map[string]head)
	err = r.segments(after, func(s *segment, position engine.Position) (more bool, err error) {
		if _, err := r.scanner.event(s, position, new(engine.Event)); err != nil {
			return false, err
		}
		at := r.scanner.at
		before, known := heads[at.aggregate]
		if known && (at.version != before.version+1 || at.previous != before.position) {
			return false, corrupt("table segments, position %d: version %d of %q follows on %d",
				at.position, at.version, at.aggregate, before.version)
		}
		heads[at.aggregate] = at.head()
		places = append(places, at)
		return true, nil
	})
	if err != nil {
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
	err = f(r)
	r.conn.SetInterrupt(context.Background())
	if !r.conn.GetAutocommit() {
		err = errors.Join(err, r.ended.Exec())
	}
	return explain(ctx, doing, err)
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
