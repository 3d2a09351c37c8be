package sqlite

import (
	"encoding/binary"
	"errors"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

func littleEndian(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// events looks at every segment and every event in it: checksums, that positions have no gap, and that each leads to the
// one before it of its stream. The streams then hold all events, if as many as there are (see streams and newestHeads).
func (v *verifier) events() error {
	filled, err := v.reader.one(v.reader.progress)
	if err != nil {
		return err
	}
	v.filled = engine.Position(filled)
	var s segment
	before := engine.Position(0)
	return v.rows("SELECT "+segmentColumns+" FROM segments ORDER BY last", func(row *sqlite3.Stmt) error {
		err := s.load(row)
		if s.first != before+1 {
			err = errors.Join(err, corrupt("table segments: position %d follows on %d", s.first, before))
		}
		before = s.last
		for at := s.first; err == nil && at <= s.last; at++ {
			v.report.Events++
			if _, err = v.reader.scanner.event(&s, at, new(engine.Event)); err == nil {
				err = v.event(v.reader.scanner.at)
			}
		}
		return err
	})
}

// event looks at what an event leads to.
func (v *verifier) event(at place) error {
	if at.size > 0 {
		v.report.Commands++
		if at.position <= v.filled {
			v.commandsFilled++
		}
	}
	if at.size > 1 {
		if err := v.follows(&at, engine.Version(at.size-1), at.position-engine.Position(at.size-1)); err != nil {
			return err
		}
	}
	switch {
	case at.version > 1:
		return v.follows(&at, 1, at.previous)
	case at.previous != 0:
		return corrupt("table segments, position %d: the first version of %q follows on position %d",
			at.position, at.aggregate, at.previous)
	}
	return nil
}

// follows makes sure that an event of the same stream, so many versions before, is at a position.
func (v *verifier) follows(at *place, versions engine.Version, position engine.Position) error {
	aggregate, version, err := v.at(position)
	if err == nil && (aggregate != at.aggregate || version+versions != at.version || position > at.position) {
		err = corrupt("table segments, position %d: version %d of %q follows on version %d of %q at position %d",
			at.position, at.version, at.aggregate, version, aggregate, position)
	}
	return err
}

// at gives the stream and the version of the event at a position.
func (v *verifier) at(position engine.Position) (aggregate string, version engine.Version, err error) {
	found, err := v.reader.find(position)
	if err != nil || !found {
		return "", 0, err
	}
	p, err := v.reader.segment.part(position)
	if err != nil {
		return "", 0, err
	}
	return v.reader.scanner.name(p.aggregate), engine.Version(p.version), nil
}

// streams looks at the head of every stream: it must be where it says, and together they must have as many events as the
// table goes up to.
func (v *verifier) streams() error {
	var events engine.Version
	err := v.rows("SELECT name, version, position, checksum FROM streams", func(row *sqlite3.Stmt) error {
		v.report.Streams++
		name, h := row.ColumnText(0), head{engine.Version(row.ColumnInt64(1)), engine.Position(row.ColumnInt64(2))}
		events += h.version
		v.marks += h.version / markEvery
		if row.ColumnInt64(3) != int64(v.reader.sum.stream(name, h)) {
			return corrupt("table streams, %q: wrong checksum", name)
		}
		aggregate, version, err := v.at(h.position)
		if err == nil && (aggregate != name || version != h.version || h.position > v.filled) {
			err = corrupt("table streams: version %d of %q is not at position %d", h.version, name, h.position)
		}
		return err
	})
	if err == nil && events != engine.Version(v.filled) {
		err = corrupt("table streams: %d versions for %d events", events, v.filled)
	}
	return err
}

// newestHeads looks at the events that the table streams does not lead to yet: each must follow on the one before of its
// aggregate.
func (v *verifier) newestHeads() error {
	v.newest = make(map[string]engine.Version)
	return v.reader.segments(v.filled, func(s *segment, position engine.Position) (more bool, err error) {
		p, err := s.part(position)
		if err != nil {
			return true, v.judge(err)
		}
		aggregate, version := v.reader.scanner.name(p.aggregate), engine.Version(p.version)
		before, err := v.version(aggregate)
		if err == nil && version != before+1 {
			err = corrupt("table segments, position %d: version %d of %q follows on %d", position, version, aggregate, before)
		}
		if before == 0 {
			v.report.Streams++
		}
		v.newest[aggregate] = version
		if version%markEvery == 0 {
			v.marks++
		}
		return true, v.judge(err)
	})
}

// version gives the last version of an aggregate that was seen so far.
func (v *verifier) version(aggregate string) (engine.Version, error) {
	if version, ok := v.newest[aggregate]; ok {
		return version, nil
	}
	h, err := v.reader.head(aggregate)
	return h.version, err
}

// markTable looks at the marks: each where it says, and as many as the lengths of the streams demand.
func (v *verifier) markTable() error {
	var found engine.Version
	err := v.rows("SELECT aggregate, version, position FROM marks", func(row *sqlite3.Stmt) error {
		found++
		name, marked, position := row.ColumnText(0), engine.Version(row.ColumnInt64(1)), engine.Position(row.ColumnInt64(2))
		aggregate, version, err := v.at(position)
		if err == nil && (aggregate != name || version != marked || marked%markEvery != 0) {
			err = corrupt("table marks: version %d of %q is not at position %d", marked, name, position)
		}
		return err
	})
	if err == nil && found != v.marks {
		err = corrupt("table marks: %d rows, the streams have %d", found, v.marks)
	}
	return err
}

// commands looks at the index of command ids: each must lead to the event that its command ends with, and there must be
// one for each command that has events.
func (v *verifier) commands() error {
	var found int64
	var before *entry
	err := v.rows("SELECT "+blockColumns+" FROM commands ORDER BY last", func(row *sqlite3.Stmt) error {
		entries, err := scanBlock(row)
		found += int64(len(entries))
		for i := range entries {
			if err != nil {
				return err
			}
			id := entries[i].id()
			if before != nil && compareEntries(*before, entries[i]) >= 0 {
				return corrupt("table commands: %s follows on %s", id, before.id())
			}
			before = &entries[i]
			_, err = v.reader.commandAt(id, entries[i].position)
		}
		return err
	})
	if err == nil && found != v.commandsFilled {
		err = corrupt("table commands: %d ids for %d commands with events", found, v.commandsFilled)
	}
	return err
}

// outcomes looks at every command that left no event.
func (v *verifier) outcomes() error {
	return v.rows("SELECT "+outcomeColumns+" FROM outcomes", func(row *sqlite3.Stmt) error {
		v.report.Commands++
		c, err := scanOutcome(row, &v.reader.sum)
		if err != nil {
			return err
		}
		version, err := v.version(c.aggregate)
		if err == nil && c.last > version {
			err = corrupt("table outcomes, id %s: version %d of %q, which is at version %d", c.id, c.last, c.aggregate, version)
		}
		return err
	})
}

// snapshots looks at every snapshot: its checksum, and that its aggregate has the version.
func (v *verifier) snapshots() error {
	return v.rows("SELECT "+snapshotColumns+" FROM snapshots", func(row *sqlite3.Stmt) error {
		v.report.Snapshots++
		snapshot, err := scanSnapshot(row, &v.reader.sum)
		if err != nil {
			return err
		}
		version, err := v.version(snapshot.Aggregate)
		if err == nil && snapshot.Version > version {
			err = corrupt("table snapshots: version %d of %q, which is at version %d", snapshot.Version, snapshot.Aggregate, version)
		}
		return err
	})
}
