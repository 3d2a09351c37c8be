package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/orchestrix-go/orchestrix/engine"
)

// errBroken ends an iteration that the caller broke off. It never leaves this package.
var errBroken = errors.New("sqlite: broken off")

type yielder = func(engine.Event, error) bool

// use calls f with a reader, unless the store is closed.
func (s *Store) use(ctx context.Context, doing string, f func(*reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.enter() {
		return engine.ErrClosed
	}
	defer s.calls.Done()
	return s.readers.use(ctx, doing, f)
}

// read yields the log after a position, to its end when the iteration starts: a reader that is slower than the writer
// comes to an end too.
func (s *Store) read(ctx context.Context, after engine.Position, yield yielder) error {
	end, err := s.End(ctx)
	for err == nil && after < end {
		var page []engine.Event
		err = s.use(ctx, "read", func(r *reader) (err error) {
			page, err = r.logPage(after, end)
			return err
		})
		if errors.Is(err, engine.ErrCorrupt) {
			err = fmt.Errorf("after position %d: %w", after, err) // SQLite does not say where
		}
		if err == nil && len(page) == 0 {
			err = corrupt("the log ends at position %d instead of %d", after, end)
		}
		if err == nil {
			after = page[len(page)-1].Position
			err = s.yieldPage(ctx, page, yield)
		}
	}
	return unbroken(err)
}

// load yields a stream from a version on: first what the index knows, then what the tail knew when the iteration
// started. The comment at tail says why nothing falls between the two.
func (s *Store) load(ctx context.Context, aggregate string, from engine.Version, yield yielder) error {
	if s.options.ReadOnly {
		if err := s.refresh(ctx); err != nil {
			return err
		}
	}
	newest, inTail := s.tail.view(aggregate)
	before := engine.Version(math.MaxInt64)
	if inTail {
		before = newest.first
	}
	for {
		var page []engine.Event
		err := s.use(ctx, "load", func(r *reader) (err error) {
			switch {
			case from < before:
				page, err = r.versionsPage(aggregate, from, before)
			case inTail && from < newest.end():
				page, err = r.placesPage(aggregate, from, newest.positions[from-newest.first:])
			}
			return err
		})
		if errors.Is(err, engine.ErrCorrupt) {
			err = fmt.Errorf("%q from version %d: %w", aggregate, from, err) // SQLite does not say where
		}
		if err == nil && len(page) == 0 && inTail && from < newest.end() {
			err = corrupt("version %d of %q is missing", from, aggregate)
		}
		if err != nil || len(page) == 0 {
			return err
		}
		from += engine.Version(len(page))
		if err := s.yieldPage(ctx, page, yield); err != nil {
			return unbroken(err)
		}
	}
}

// yieldPage decodes and yields events, while no connection is held.
func (s *Store) yieldPage(ctx context.Context, page []engine.Event, yield yielder) error {
	for i := range page {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := &page[i]
		if _, raw := e.Data.(engine.Raw); raw && s.options.Codec != nil {
			data, err := s.options.Codec.Decode(&e.Message)
			if err != nil {
				return fmt.Errorf("sqlite: event at position %d: %w", e.Position, err)
			}
			e.Data = data
		}
		if !yield(*e, nil) {
			return errBroken
		}
	}
	return nil
}

// unbroken makes no error of an iteration that was broken off.
func unbroken(err error) error {
	if err == errBroken {
		return nil
	}
	return err
}

// End gives the position of the last event in the log, 0 for an empty one.
func (s *Store) End(ctx context.Context) (last engine.Position, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if s.writer != nil {
		if !s.enter() {
			return 0, engine.ErrClosed
		}
		defer s.calls.Done()
		return s.writer.feed.end(), nil
	}
	err = s.use(ctx, "end", func(r *reader) error {
		n, err := r.one(r.last)
		last = engine.Position(n)
		return err
	})
	return last, err
}

// refresh brings the tail of a read-only store up to date with what the writer, elsewhere, has committed. Both queries
// run in one transaction, so that they see one state of the file: an index that grew between them would leave a gap.
func (s *Store) refresh(ctx context.Context) error {
	return s.use(ctx, "load", func(r *reader) (err error) {
		s.follow.Lock()
		defer s.follow.Unlock()
		if err := r.conn.Exec("BEGIN"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.conn.Exec("COMMIT")) }()
		filled, err := r.one(r.progress)
		if err != nil {
			return err
		}
		if filled != s.filled {
			s.tail.clear()
			s.filled, s.seen = filled, filled
		}
		places, err := r.scanPlaces(engine.Position(s.seen))
		if err == nil && len(places) > 0 {
			s.tail.add(places)
			s.seen = int64(places[len(places)-1].position)
		}
		return err
	})
}
