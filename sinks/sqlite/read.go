package sqlite

import (
	"context"
	"errors"
	"fmt"

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
	if err == nil {
		err = s.readAll(ctx, span{uint64(after), uint64(end)}, func() fetch { return s.logPage }, yield)
	}
	return unbroken(err)
}

// logPage is the fetch of the log.
func (s *Store) logPage(ctx context.Context, of span, used []engine.Event) (page []engine.Event, err error) {
	err = s.use(ctx, "read", func(r *reader) (err error) {
		page, err = r.logPage(of, used)
		return err
	})
	if errors.Is(err, engine.ErrCorrupt) {
		err = fmt.Errorf("after position %d: %w", of.after, err) // SQLite does not say where
	}
	if err == nil && len(page) == 0 {
		err = corrupt("the log ends at position %d instead of %d", of.after, of.end)
	}
	return page, err
}

// load yields a stream from a version on, to the head that it has when the iteration starts. The comment at tail says why
// nothing falls between the tail and the table.
func (s *Store) load(ctx context.Context, aggregate string, from engine.Version, yield yielder) (err error) {
	if s.options.ReadOnly {
		if err := s.refresh(ctx); err != nil {
			return err
		}
	}
	h, known := s.tail.view(aggregate)
	if !known {
		err = s.use(ctx, "load", func(r *reader) (err error) {
			h, err = r.head(aggregate)
			return err
		})
	} else {
		err = ctx.Err()
	}
	if err == nil {
		all := span{uint64(from) - 1, uint64(h.version)}
		of := stream{aggregate: aggregate, head: h, cached: all.end < all.after+cachedParts/4}
		err = s.readAll(ctx, all, func() fetch { return s.streamFetch(of) }, yield)
	}
	return unbroken(err)
}

// streamFetch makes a fetch of a stream.
func (s *Store) streamFetch(of stream) fetch {
	return func(ctx context.Context, part span, _ []engine.Event) (page []engine.Event, err error) {
		from := engine.Version(part.after) + 1
		err = s.use(ctx, "load", func(r *reader) (err error) {
			if err = r.begin(); err == nil {
				page, err = r.streamPage(&of, from)
			}
			return err
		})
		if errors.Is(err, engine.ErrCorrupt) {
			err = fmt.Errorf("%q from version %d: %w", of.aggregate, from, err) // SQLite does not say where
		}
		return page, err
	}
}

// yieldPage decodes and yields events, while no connection is held.
func (s *Store) yieldPage(ctx context.Context, page []engine.Event, yield yielder) error {
	for i := range page {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.decode(&page[i]); err != nil {
			return err
		}
		if !yield(page[i], nil) {
			return errBroken
		}
	}
	return nil
}

// decode replaces the payload of an event by what the codec makes of it.
func (s *Store) decode(e *engine.Event) error {
	if _, raw := e.Data.(engine.Raw); !raw || s.options.Codec == nil {
		return nil
	}
	data, err := s.options.Codec.Decode(&e.Message)
	if err != nil {
		return fmt.Errorf("sqlite: event at position %d: %w", e.Position, err)
	}
	e.Data = data
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
	return s.use(ctx, "load", func(r *reader) error {
		s.follow.Lock()
		defer s.follow.Unlock()
		if err := r.begin(); err != nil {
			return err
		}
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
			s.tail.add(places, len(places))
			s.seen = int64(places[len(places)-1].position)
		}
		return err
	})
}
