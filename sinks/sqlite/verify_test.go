package sqlite_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

// whole verifies a store that must be whole.
func whole(t *testing.T, path string) sqlite.VerifyReport {
	t.Helper()
	report, err := sqlite.Verify(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, report.Err())
	return report
}

// fillSome appends to a few aggregates, one event each time, with a rejection and a snapshot among them.
func fillSome(t *testing.T, store *sqlite.Store, rounds int) {
	t.Helper()
	for round := range rounds {
		var batch []engine.Append
		for i := range 50 {
			batch = append(batch, numbered(fmt.Sprint("a", i%7), engine.Version(0)))
			batch[i].Expected = engine.Any
		}
		must(t, store, batch...)
		require.NoError(t, store.SaveSnapshot(t.Context(), engine.Snapshot{
			Aggregate: "a1", Version: engine.Version(round + 1), Data: engine.Raw("{}"),
		}))
	}
	must(t, store, engine.Append{Aggregate: "a1", Expected: engine.Any, CommandID: engine.NewID(), Rejection: "no"})
}

// TestVerify verifies a store in each of its states: new, in use, closed, and with an index that was filled often.
func TestVerify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	store := openFile(t, path, sqlite.Options{})
	whole(t, path)
	fillSome(t, store, 10)
	report := whole(t, path)
	require.EqualValues(t, 500, report.Events)
	require.EqualValues(t, 501, report.Commands)
	require.EqualValues(t, 7, report.Streams)
	require.EqualValues(t, 4, report.Snapshots, "of the ten of one aggregate the newest four are kept")
	size := func(name string) int64 {
		info, err := os.Stat(name)
		require.NoError(t, err)
		return info.Size() / 4096
	}
	require.Greater(t, report.Pages, size(path), "those that are only in the log are counted too")
	require.LessOrEqual(t, report.Pages, size(path)+size(path+"-wal"))
	fillSome(t, store, 200)
	require.EqualValues(t, 10_500, whole(t, path).Events)
	require.NoError(t, store.Close())
	report = whole(t, path)
	require.EqualValues(t, 10_500, report.Events)
	require.EqualValues(t, 7, report.Streams)

	_, err := sqlite.Verify(t.Context(), filepath.Join(t.TempDir(), "none.db"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sqlite.Verify(ctx, path)
	require.ErrorIs(t, err, context.Canceled)
}

// TestVerifyNamesFaults changes a store behind its back, through SQLite, so that every page is whole: the rows must tell.
func TestVerifyNamesFaults(t *testing.T) {
	const of17 = " WHERE last = (SELECT last FROM segments WHERE last >= 17 LIMIT 1)"
	for name, c := range map[string]struct{ sql, want string }{
		"event bytes":     {"UPDATE segments SET data = zeroblob(length(data))" + of17, "table segments, position 1: "},
		"event stream":    {"UPDATE segments SET events = replace(events, '\"a3\"', '\"a4\"')" + of17, "table segments, position 4: "},
		"event time":      {"UPDATE segments SET time = time - 1" + of17, "table segments, position 1: wrong checksum"},
		"event type":      {"UPDATE kinds SET type = 'order.deleted'", "table kinds, 1: wrong checksum"},
		"type gone":       {"DELETE FROM kinds", "table kinds: 1 is missing"},
		"segment gone":    {"DELETE FROM segments" + of17, "follows on 0"},
		"end gone":        {"DELETE FROM segments WHERE last = 500", "position 500"},
		"segment moved":   {"UPDATE segments SET last = 501 WHERE last = 500", "table segments, position 501: "},
		"segment longer":  {"UPDATE segments SET first = first - 1 WHERE last = 500", "table segments: position "},
		"segment shorter": {"UPDATE segments SET first = last + 1 WHERE last = 500", "it begins with 501"},
		"segment twice":   {"UPDATE segments SET (first, events, data) = (SELECT first, events, data FROM segments)  WHERE last = 500", "table segments: position 1 follows on "},
		"command foreign": {"UPDATE commands SET entries = zeroblob(length(entries))", "table commands, block "},
		"commands gone":   {"DELETE FROM commands WHERE last = (SELECT last FROM commands LIMIT 1)", "table commands: "},
		"command refused": {"UPDATE outcomes SET rejection = 'yes'", "table outcomes, id "},
		"stream moved":    {"UPDATE streams SET position = position - 7 WHERE name = 'a3'", `table streams, "a3": wrong`},
		"stream renamed":  {"UPDATE streams SET name = 'a9' WHERE name = 'a3'", `"a9"`},
		"stream gone":     {"DELETE FROM streams WHERE name = 'a3'", "table streams: "},
		"stream added":    {"INSERT INTO streams VALUES ('nobody', 1, 1, 1)", `table streams, "nobody": `},
		"progress":        {"UPDATE progress SET position = 400", "table streams: "},
		"snapshot":        {"UPDATE snapshots SET data = x'00'", "table snapshots, version "},
	} {
		t.Run(name, func(t *testing.T) {
			requireFault(t, func(store *sqlite.Store) { fillSome(t, store, 10) }, c.sql, c.want)
		})
	}
}

// TestVerifyNamesMarks does the same to the marks of a stream that is long enough to have some.
func TestVerifyNamesMarks(t *testing.T) {
	for sql, want := range map[string]string{
		"UPDATE marks SET position = position - 1 WHERE version = 256": "table marks: version 256 of ",
		"DELETE FROM marks WHERE version = 512":                        "table marks: 1 rows, the streams have 2",
	} {
		requireFault(t, func(store *sqlite.Store) {
			var batch []engine.Append
			for version := range engine.Version(600) {
				batch = append(batch, numbered("a", version))
			}
			must(t, store, batch...)
		}, sql, want)
	}
}

// requireFault fills a store, changes it, and demands that Verify finds what is wanted.
func requireFault(t *testing.T, fill func(*sqlite.Store), sql, want string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.db")
	store := openFile(t, path, sqlite.Options{})
	fill(store)
	require.NoError(t, store.Close())
	other, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, other.Exec("PRAGMA foreign_keys=OFF; "+sql))
	require.NotZero(t, other.Changes())
	require.NoError(t, other.Close())
	report, err := sqlite.Verify(t.Context(), path)
	require.NoError(t, err)
	require.ErrorIs(t, report.Err(), engine.ErrCorrupt)
	require.Contains(t, fmt.Sprint(report.Faults), want)
}

// TestBackup copies a store while writers append. The copy must be whole, and hold a prefix of the log that goes at least
// as far as it did before the copying.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	store := openFile(t, filepath.Join(dir, "events.db"), sqlite.Options{})
	fillSome(t, store, 20)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for ctx.Err() == nil {
				store.Append(ctx, []engine.Append{numbered("a", 0), {
					Aggregate: "b", Expected: engine.Any, Events: numbered("b", 0).Events,
				}})
			}
		})
	}
	for i := range 3 {
		before, err := store.End(t.Context())
		require.NoError(t, err)
		to := filepath.Join(dir, "copies", fmt.Sprint(i, ".db"))
		if i == 1 {
			require.NoError(t, sqlite.Backup(t.Context(), filepath.Join(dir, "events.db"), to))
		} else {
			require.NoError(t, store.Backup(t.Context(), to))
		}
		report := whole(t, to)
		require.GreaterOrEqual(t, report.Events, int64(before))
		info, err := os.Stat(to)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		require.ErrorIs(t, store.Backup(t.Context(), to), fs.ErrExist, "a backup must not replace a file")
	}
	stop()
	writers.Wait()
	partial, err := filepath.Glob(filepath.Join(dir, "copies", "*.partial"))
	require.NoError(t, err)
	require.Empty(t, partial)

	first := openFile(t, filepath.Join(dir, "copies", "2.db"), sqlite.Options{})
	var copied []engine.ID
	for event, err := range first.Read(t.Context(), 0) {
		require.NoError(t, err)
		copied = append(copied, event.ID)
	}
	for event, err := range store.Read(t.Context(), 0) {
		require.NoError(t, err)
		if int(event.Position) > len(copied) {
			break
		}
		require.Equal(t, copied[event.Position-1], event.ID)
	}
	must(t, first, numbered("new", 0))
	require.NoError(t, store.Close())
	require.ErrorIs(t, store.Backup(t.Context(), filepath.Join(dir, "late.db")), engine.ErrClosed)
}
