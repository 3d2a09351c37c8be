package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// keptSnapshots is how many snapshots of one aggregate are kept, those with the highest versions. One would do for
// loading; the others are for a reader that folds up to an earlier version.
const keptSnapshots = 4

// The columns of a snapshot, in the sequence in which they are bound (from 1) and scanned (from 0).
const snapshotColumns = "aggregate, version, schema, data, checksum"

const (
	insertSnapshotSQL = "INSERT OR REPLACE INTO snapshots (" + snapshotColumns + ") VALUES (?,?,?,?,?)"
	findSnapshotSQL   = "SELECT " + snapshotColumns + " FROM snapshots WHERE aggregate = ? AND version <= ? " +
		"ORDER BY version DESC LIMIT 1"
)

// forgetSnapshotsSQL deletes the snapshots of an aggregate but the newest few.
var forgetSnapshotsSQL = fmt.Sprintf("DELETE FROM snapshots WHERE aggregate = ?1 AND version <= "+
	"(SELECT version FROM snapshots WHERE aggregate = ?1 ORDER BY version DESC LIMIT 1 OFFSET %d)", keptSnapshots)

// SaveSnapshot keeps a snapshot, in place of one of the same aggregate and version, and forgets the oldest of the
// aggregate when there are more than four. It blocks until the snapshot is durable: it shares a commit with the appends
// that wait. See [engine.Snapshotter]; errors of the store are those of Append.
func (s *Store) SaveSnapshot(ctx context.Context, snapshot engine.Snapshot) error {
	results := make([]engine.Result, 1)
	r := &request{ctx: ctx, snapshot: &snapshot, results: results, done: make(chan struct{})} // see the field
	s.submit(ctx, results, func() *request {
		if results[0].Err = engine.CheckSnapshot(&snapshot); results[0].Err != nil {
			return nil
		}
		return r
	})
	return results[0].Err
}

// LoadSnapshot gives the snapshot of the aggregate with the highest version up to atMost, and false when there is none.
func (s *Store) LoadSnapshot(
	ctx context.Context, aggregate string, atMost engine.Version,
) (snapshot engine.Snapshot, found bool, err error) {
	err = s.use(ctx, "load a snapshot", func(r *reader) (err error) {
		q := r.snapshot
		err = errors.Join(q.BindText(1, aggregate), q.BindInt64(2, int64(min(atMost, math.MaxInt64))))
		if err != nil {
			return err
		}
		if found = q.Step(); found {
			snapshot, err = scanSnapshot(q, &r.sum)
			if err == nil && (snapshot.Aggregate != aggregate || snapshot.Version > atMost) {
				err = corrupt("table snapshots, %q: the index leads to version %d of %q",
					aggregate, snapshot.Version, snapshot.Aggregate)
			}
		}
		return endQuery(q, err)
	})
	if err != nil {
		return engine.Snapshot{}, false, err
	}
	return snapshot, found, nil
}

// scanSnapshot reads the row that the statement stands on and makes sure that it is whole.
func scanSnapshot(row *sqlite3.Stmt, sum *summer) (engine.Snapshot, error) {
	snapshot := engine.Snapshot{
		Aggregate: row.ColumnText(0), Version: engine.Version(row.ColumnInt64(1)), Schema: row.ColumnText(2),
		Data: append(engine.Raw{}, row.ColumnRawBlob(3)...),
	}
	if row.ColumnInt64(4) != int64(sum.snapshot(&snapshot)) {
		return engine.Snapshot{}, corrupt("table snapshots, version %d of %q: wrong checksum", snapshot.Version, snapshot.Aggregate)
	}
	return snapshot, row.Err()
}

// keepSnapshot puts a snapshot into the transaction, unless its version does not exist.
func (w *writer) keepSnapshot(snapshot *engine.Snapshot) (engine.Result, error) {
	h, err := w.head(snapshot.Aggregate)
	if err != nil {
		return engine.Result{}, err
	}
	if snapshot.Version > h.version {
		return engine.Result{Err: &engine.ConflictError{
			Aggregate: snapshot.Aggregate, Expected: engine.Exactly(snapshot.Version), Actual: h.version,
		}}, nil
	}
	return engine.Result{}, w.storeSnapshot(snapshot)
}

// storeSnapshot inserts the snapshot and deletes those that it makes superfluous.
func (w *writer) storeSnapshot(snapshot *engine.Snapshot) error {
	if err := w.ensureBegun(); err != nil {
		return err
	}
	b := w.insertSnapshot
	b.text(1, snapshot.Aggregate)
	b.number(2, int64(snapshot.Version))
	b.text(3, snapshot.Schema)
	b.bytes(4, snapshot.Data)
	b.number(5, int64(b.sum.snapshot(snapshot)))
	if err := b.exec(); err != nil {
		return err
	}
	return errors.Join(w.forgetSnapshots.BindText(1, snapshot.Aggregate), w.forgetSnapshots.Exec())
}
