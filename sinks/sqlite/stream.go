package sqlite

import (
	"errors"

	"github.com/orchestrix-go/orchestrix/engine"
)

// markEvery is how far the marks of a stream are apart: each event leads to the one before it, and the table marks leads
// to each version that is a multiple of markEvery. A load goes from mark to mark, and backward from each of them.
const markEvery = pageEvents

// stream is one stream that is being loaded.
type stream struct {
	aggregate string
	head      head
	places    []engine.Position // of the versions up to the next mark, where they are known already
	cached    bool              // its events pass through the cache
}

// head gives the head of a stream that the table streams knows.
func (r *reader) head(aggregate string) (h head, err error) {
	q := r.stream
	if err := q.BindText(1, aggregate); err != nil {
		return h, err
	}
	if q.Step() {
		h = head{engine.Version(q.ColumnInt64(0)), engine.Position(q.ColumnInt64(1))}
		if q.ColumnInt64(2) != int64(r.sum.stream(aggregate, h)) || h.version < 1 {
			err = corrupt("table streams, %q: wrong checksum", aggregate)
		}
	}
	return h, endQuery(q, err)
}

// markAt gives the position of a version that is a multiple of markEvery.
func (r *reader) markAt(aggregate string, version engine.Version) (engine.Position, error) {
	q := r.mark
	if err := errors.Join(q.BindText(1, aggregate), q.BindInt64(2, int64(version))); err != nil {
		return 0, err
	}
	var err error
	var at engine.Position
	if q.Step() {
		at = engine.Position(q.ColumnInt64(0))
	} else if q.Err() == nil {
		err = corrupt("table marks: version %d of %q is missing", version, aggregate)
	}
	return at, endQuery(q, err)
}

// streamPage reads events of a stream from a version on, which is not behind its head.
func (r *reader) streamPage(s *stream, from engine.Version) ([]engine.Event, error) {
	if len(s.places) > 0 {
		return r.placesPage(s, from)
	}
	upTo, at := (from+markEvery-1)/markEvery*markEvery, s.head.position
	if upTo < s.head.version {
		var err error
		if at, err = r.markAt(s.aggregate, upTo); err != nil {
			return nil, err
		}
	}
	return r.walk(s, from, head{min(upTo, s.head.version), at})
}

// walk reads backward from a head to a version, and gives the events forward. Of events that are more than a page only
// the first are kept; of the others it keeps where they are.
func (r *reader) walk(s *stream, from engine.Version, h head) ([]engine.Event, error) {
	end := int(h.version-from) + 1 // what is kept
	events, places := make([]engine.Event, end), make([]engine.Position, end)
	size := 0
	for i := end - 1; i >= 0; i-- {
		n, err := r.loadAt(s, head{from + engine.Version(i), h.position}, &events[i])
		if err != nil {
			return nil, err
		}
		places[i] = h.position
		for size += n; size > pageBytes && end > i+1; {
			end--
			size -= dataSize(&events[end].Message) + eventBytes
			events[end] = engine.Event{}
		}
		h.position = r.scanner.at.previous
	}
	s.places = places[end:]
	return events[:end], nil
}

// placesPage reads events whose places are known, from a version on, as many as a page holds.
func (r *reader) placesPage(s *stream, from engine.Version) (events []engine.Event, err error) {
	for size := 0; len(s.places) > 0 && size < pageBytes; s.places = s.places[1:] {
		var e engine.Event
		n, err := r.loadAt(s, head{from + engine.Version(len(events)), s.places[0]}, &e)
		if err != nil {
			return nil, err
		}
		size += n
		events = append(events, e)
	}
	return events, nil
}

// eventAt reads the event that must be where a head says.
func (r *reader) eventAt(aggregate string, h head, e *engine.Event) (size int, err error) {
	found, err := r.find(h.position)
	if err == nil && found {
		size, err = r.scanner.event(&r.segment, h.position, e)
	}
	return size, h.check(aggregate, e, err)
}

// check makes sure that an event that was read without an error is the one that the head leads to.
func (h head) check(aggregate string, e *engine.Event, err error) error {
	if err == nil && (e.Subject != aggregate || e.Version != h.version) {
		err = corrupt("version %d of %q is not at position %d", h.version, aggregate, h.position)
	}
	return err
}

// loadAt is eventAt for a stream that is loaded. Events of one that is not too long are likely to be loaded again.
func (r *reader) loadAt(s *stream, h head, e *engine.Event) (size int, err error) {
	if !s.cached {
		return r.eventAt(s.aggregate, h, e)
	}
	c, found := r.cache.get(h.position)
	if !found {
		if found, err = r.find(h.position); err == nil && found {
			c.base = r.segment.base
			if c.part, err = r.segment.part(h.position); err == nil {
				r.cache.add(h.position, &c.part, c.base)
			}
		}
	}
	if err == nil && found {
		size, err = r.scanner.decode(&c.part, c.base, h.position, e)
	}
	return size, h.check(s.aggregate, e, err)
}

// find makes the segment of a position the reader's, unless it is already.
func (r *reader) find(position engine.Position) (found bool, err error) {
	if r.segment.holds(position) {
		return true, nil
	}
	q := r.place
	if err := q.BindInt64(1, int64(position)); err != nil {
		return false, err
	}
	r.forget()
	if q.Step() {
		if err = r.segment.load(q); err == nil {
			r.segment.keep()
		}
	}
	err = endQuery(q, err)
	if err != nil {
		r.forget()
	}
	return r.segment.holds(position), err
}
