package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

// An archive is a store with a history: many aggregates with a share each, one short stream and one long one, all spread
// evenly over the log. Beside it lies a table of the same payloads, which a program would read that did without a store.
type archive struct {
	path   string // of the store
	plain  string // of the table
	events int    // stored in all
	rounds int    // of writers that have appended to it since
}

// Streams of an archive by name.
const (
	shortStream = "short"
	longStream  = "long"
)

// fillBatch is how many appends share a call while an archive is filled.
const fillBatch = 1000

// archiveSizes say how many events an archive begins with.
type archiveSizes struct{ spread, aggregates, short, long int }

func (s archiveSizes) all() int { return s.spread + s.short + s.long }

// newArchive fills an archive in a folder.
func newArchive(ctx context.Context, folder string, sizes archiveSizes) (*archive, error) {
	a := &archive{
		path: filepath.Join(folder, "archive.db"), plain: filepath.Join(folder, "plain.db"), events: sizes.all(),
	}
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	err = sizes.fill(ctx, store)
	if err == nil {
		err = fillPlain(ctx, a.plain, store)
	}
	return a, errors.Join(err, store.Close())
}

// open opens the store, which gives decoded payloads.
func (a *archive) open(ctx context.Context) (engine.Store, error) { return openSQLite(ctx, a.path) }

// openRaw opens the store so that it gives payloads as they are stored.
func (a *archive) openRaw(ctx context.Context) (engine.Store, error) {
	return sqlite.Open(ctx, a.path, sqlite.Options{})
}

// with runs work on the opened store, and closes it.
func (a *archive) with(ctx context.Context, open func(context.Context) (engine.Store, error), work func(engine.Store) error) error {
	store, err := open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(work(store), store.Close())
}

func (s archiveSizes) fill(ctx context.Context, store engine.Store) error {
	spread := newJotLoad(1, s.spread, s.aggregates)
	short, long := newJotLoad(1, s.short, 1), newJotLoad(1, s.long, 1)
	short.aggregates[0], long.aggregates[0] = shortStream, longStream
	batch := make([]engine.Append, 0, fillBatch+2)
	shorts, longs := 0, 0
	for i := range s.spread {
		batch = append(batch, spread.append(i))
		for ; shorts*s.spread < s.short*(i+1); shorts++ {
			batch = append(batch, short.append(shorts))
		}
		for ; longs*s.spread < s.long*(i+1); longs++ {
			batch = append(batch, long.append(longs))
		}
		if len(batch) < fillBatch && i < s.spread-1 {
			continue
		}
		for _, result := range store.Append(ctx, batch) {
			if result.Err != nil {
				return fmt.Errorf("bench: filling: %w", result.Err)
			}
		}
		batch = batch[:0]
	}
	return nil
}

// fillPlain copies the log of a store into a table with a column for each thing that an event holds.
func fillPlain(ctx context.Context, path string, store engine.Store) (err error) {
	conn, err := sqlite3.Open(path)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.Exec(`PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF; BEGIN;
		CREATE TABLE events (position INTEGER PRIMARY KEY, aggregate TEXT, version INTEGER, id BLOB, type TEXT, source TEXT,
			time INTEGER, correlation BLOB, causation BLOB, data TEXT)`); err != nil {
		return err
	}
	insert, _, err := conn.Prepare("INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	codec := newJots()
	for e, err := range store.Read(ctx, 0) {
		if err != nil {
			return err
		}
		data, err := codec.Encode(&e.Message)
		if err != nil {
			return err
		}
		if err := errors.Join(
			insert.BindInt64(1, int64(e.Position)), insert.BindText(2, e.Subject), insert.BindInt64(3, int64(e.Version)),
			insert.BindBlob(4, e.ID[:]), insert.BindText(5, e.Type), insert.BindText(6, e.Source),
			insert.BindInt64(7, e.Time.UnixNano()), insert.BindBlob(8, e.CorrelationID[:]),
			insert.BindBlob(9, e.CausationID[:]), insert.BindRawText(10, data), insert.Exec(),
		); err != nil {
			return err
		}
	}
	return conn.Exec("COMMIT")
}
