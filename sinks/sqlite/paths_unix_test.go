//go:build unix

package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

// TestAnyPath uses a folder and a file whose names have a meaning in a URI, in a form or in SQL.
func TestAnyPath(t *testing.T) {
	for _, name := range []string{" ", "a b", "+", "a+b", "%", "%20", "%2B", "?", "a?mode=memory", "#", "&x=y", "'", `"`, "\n", "ü"} {
		dir := filepath.Join(t.TempDir(), name)
		path := filepath.Join(dir, name+".db")
		store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		require.NoError(t, err, "%q", path)
		must(t, store, numbered("a", 0))
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err, "%q: the log must stand beside the file", path)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		to := filepath.Join(dir, name+" copy.db")
		require.NoError(t, store.Backup(t.Context(), to), "%q", path)
		require.NoError(t, store.Close())
		for _, path := range []string{path, to} {
			require.Equal(t, 1, length(t, openFile(t, path, sqlite.Options{ReadOnly: true}), "a"), "%q", path)
			report, err := sqlite.Verify(t.Context(), path)
			require.NoError(t, err)
			require.NoError(t, report.Err())
		}
	}
}

// TestHardLinkIsRefused gives the file a second name, under which a writer would not meet the lock of the first.
func TestHardLinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "events.db"), filepath.Join(dir, "second.db")
	store := open(t, dir)
	must(t, store, numbered("a", 0))
	require.NoError(t, os.Link(first, second))
	_, err := sqlite.Open(t.Context(), second, sqlite.Options{})
	require.ErrorContains(t, err, "has 2 names (hard links)")
	require.ErrorContains(t, err, second)
	must(t, store, numbered("a", 1)) // the writer at work is not disturbed
	require.NoError(t, store.Close())

	_, err = sqlite.Open(t.Context(), first, sqlite.Options{})
	require.ErrorContains(t, err, "remove the other names")
	require.Equal(t, 2, length(t, openFile(t, first, sqlite.Options{ReadOnly: true}), "a"), "reading does no harm")
	require.NoError(t, os.Remove(second))
	must(t, open(t, dir), numbered("a", 2))
}

// TestReadOnlyFolder reads a file in a folder that cannot be written to: that does not work, and the error must say what
// to do.
func TestReadOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	must(t, store, numbered("a", 0))
	require.NoError(t, store.Close())
	require.NoError(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { require.NoError(t, os.Chmod(dir, 0o700)) })
	if os.WriteFile(filepath.Join(dir, "probe"), nil, 0o600) == nil {
		t.Skip("this user writes to every folder: nothing shows what a read-only one does")
	}
	path := filepath.Join(dir, "events.db")
	_, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true})
	require.ErrorIs(t, err, sqlite3.READONLY)
	require.NotErrorIs(t, err, engine.ErrCorrupt)
	require.ErrorContains(t, err, "events.db-shm")
	require.ErrorContains(t, err, "read a copy")
	_, err = sqlite.Verify(t.Context(), path)
	require.ErrorContains(t, err, "read a copy")
	t.Log(err)
}
