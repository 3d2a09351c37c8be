package sqlite

import (
	"encoding/binary"
	"errors"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

func littleEndian(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// events looks at every event: its checksum, and that positions have no gap.
func (v *verifier) events() error {
	var before engine.Position
	return v.rows("SELECT "+eventColumns+" FROM events ORDER BY position", func(row *sqlite3.Stmt) error {
		v.report.Events++
		e, _, err := v.reader.scanner.event(row, 0)
		if e.Position != before+1 {
			err = errors.Join(err, corrupt("table events: position %d follows on %d", e.Position, before))
		}
		before = e.Position
		return err
	})
}

// versions looks at the index by aggregate: versions from 1 without a gap, each where the event is, and as many as there
// are events. Two rows cannot lead to one event, for each must agree with it.
func (v *verifier) versions() error {
	filled, err := v.reader.one(v.reader.progress)
	if err != nil {
		return err
	}
	v.filled = engine.Position(filled)
	var rows, stream, before, at int64
	err = v.rows("SELECT v.stream, v.version, v.position, s.name, e.aggregate, e.version FROM versions v "+
		"LEFT JOIN streams s ON s.id = v.stream LEFT JOIN events e ON e.position = v.position "+
		"ORDER BY v.stream, v.version", func(row *sqlite3.Stmt) error {
		rows++
		if row.ColumnInt64(0) != stream {
			stream, before, at = row.ColumnInt64(0), 0, 0
			v.report.Streams++
		}
		version, position, name := row.ColumnInt64(1), row.ColumnInt64(2), row.ColumnText(3)
		defer func() { before, at = version, position }()
		switch {
		case version != before+1:
			return corrupt("table versions: version %d of %q follows on %d", version, name, before)
		case position <= at || position > filled:
			return corrupt("table versions: version %d of %q at position %d, the one before at %d", version, name, position, at)
		case row.ColumnText(4) != name || row.ColumnInt64(5) != version:
			return corrupt("table versions: version %d of %q is not at position %d", version, name, position)
		}
		return nil
	})
	if err == nil && rows != filled {
		err = corrupt("table versions: %d rows for %d events", rows, filled)
	}
	streams, countErr := v.reader.number("SELECT count(*) FROM streams")
	if err == nil && countErr == nil && streams != v.report.Streams {
		err = corrupt("table streams: %d rows, %d of them with versions", streams, v.report.Streams)
	}
	return errors.Join(err, countErr)
}

// newestVersions looks at the events that the index does not hold yet: each must follow on the one before of its
// aggregate.
func (v *verifier) newestVersions() error {
	v.newest = make(map[string]engine.Version)
	return v.rows("SELECT aggregate, version, position FROM events WHERE position > ? ORDER BY position",
		func(row *sqlite3.Stmt) error {
			aggregate, version := row.ColumnText(0), engine.Version(row.ColumnInt64(1))
			before, err := v.version(aggregate)
			if err == nil && version != before+1 {
				err = corrupt("table events, position %d: version %d of %q follows on %d", row.ColumnInt64(2), version, aggregate, before)
			}
			if before == 0 {
				v.report.Streams++
			}
			v.newest[aggregate] = version
			return err
		}, int64(v.filled))
}

// version gives the last version of an aggregate that was seen so far.
func (v *verifier) version(aggregate string) (engine.Version, error) {
	if version, ok := v.newest[aggregate]; ok {
		return version, nil
	}
	stmt, _, err := v.reader.conn.Prepare("SELECT ifnull(max(version), 0) FROM versions " +
		"WHERE stream = (SELECT id FROM streams WHERE name = ?)")
	if err != nil {
		return 0, err
	}
	if err := stmt.BindText(1, aggregate); err != nil {
		return 0, errors.Join(err, stmt.Close())
	}
	n, err := v.reader.one(stmt)
	return engine.Version(n), errors.Join(err, stmt.Close())
}

// commands looks at every command: its checksum, and that its first and its last event are where it says.
func (v *verifier) commands() error {
	first, err := v.reader.prepare("SELECT aggregate, version FROM events WHERE position = ?")
	if err != nil {
		return err
	}
	return v.rows(findCommandSQL+" ORDER BY c.id", func(row *sqlite3.Stmt) error {
		v.report.Commands++
		c, err := scanCommand(row, &v.reader.scanner.sum)
		if err != nil || c.position == 0 {
			return err
		}
		at := int64(c.position) - int64(c.last-c.first)
		if err := first.BindInt64(1, at); err != nil {
			return err
		}
		if !first.Step() || first.ColumnText(0) != c.aggregate || engine.Version(first.ColumnInt64(1)) != c.first {
			err = corrupt("table commands, id %s: version %d of %q is not at position %d", c.id, c.first, c.aggregate, at)
		}
		return errors.Join(err, first.Reset())
	})
}

// snapshots looks at every snapshot: its checksum, and that its aggregate has the version.
func (v *verifier) snapshots() error {
	return v.rows("SELECT "+snapshotColumns+" FROM snapshots", func(row *sqlite3.Stmt) error {
		v.report.Snapshots++
		snapshot, err := scanSnapshot(row, &v.reader.scanner.sum)
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
