package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

// TestSecondWriterIsRefused opens the same file twice in this process, by its name and by a link to it.
func TestSecondWriterIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "events.db")
	store := open(t, dir)
	_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.ErrorIs(t, err, sqlite.ErrLocked)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "this process")

	link := filepath.Join(t.TempDir(), "link.db")
	require.NoError(t, os.Symlink(path, link))
	_, err = sqlite.Open(t.Context(), link, sqlite.Options{})
	require.ErrorIs(t, err, sqlite.ErrLocked, "a link to the file must meet the same lock")

	must(t, store, numbered("a", 0))
	require.NoError(t, store.Close())
	require.Equal(t, 1, length(t, openFile(t, link, sqlite.Options{}), "a"), "the lock is free after Close")
}

// TestOtherProcessIsRefused lets another process try, and then hold, the file.
func TestOtherProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "events.db")
	store := open(t, dir)
	cmd, says := startChild(t, path)
	require.True(t, says.Scan())
	require.Contains(t, says.Text(), "refused: ")
	require.Contains(t, says.Text(), fmt.Sprintf("process %d", os.Getpid()))
	require.NoError(t, cmd.Wait())
	require.NoError(t, store.Close())

	cmd, says = startChild(t, path)
	require.True(t, says.Scan())
	require.Equal(t, "open", says.Text())
	_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.ErrorIs(t, err, sqlite.ErrLocked)
	require.ErrorContains(t, err, fmt.Sprintf("process %d", cmd.Process.Pid))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait(), "killed")
}

// TestFilesArePrivate looks at the mode of everything that is created.
func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "deep")
	store := open(t, dir)
	must(t, store, numbered("a", 0))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 3)
	for _, file := range files {
		info, err := file.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file.Name())
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		info, err := os.Stat(d)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), d)
	}
	require.NoError(t, store.Close())
	files, err = os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2, "after Close the database and its lock file remain")
}

// TestStockTool opens the file with the sqlite3 command, while a writer lives and after it.
func TestStockTool(t *testing.T) {
	tool, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("the sqlite3 command is not installed: nothing shows that stock tools read the file")
	}
	dir := t.TempDir()
	store := open(t, dir)
	command := numbered("order'17", 0)
	command.Events[0].CausationID = command.CommandID
	last := numbered("order'17", 1)
	last.Events[0].CorrelationID, last.Events[0].Metadata = engine.NewID(), map[string]string{"tenant": "]é"}
	picture := numbered("pictures", 0)
	picture.Events[0].ContentType, picture.Events[0].Data = "image/png", engine.Raw{0x89, 'P'}
	must(t, store, command, last, picture)
	query := func(sql string) string {
		out, err := exec.Command(tool, "-readonly", filepath.Join(dir, "events.db"), sql).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	const rows = "select position, aggregate, version, type, metadata, data from log"
	const want = "1|order'17|1|order.created||{\"version\":1}\n" +
		"2|order'17|2|order.created|{\"tenant\":\"]é\"}|{\"version\":2}\n3|pictures|1|order.created||8950"
	digits := func(id engine.ID) string { return strings.ReplaceAll(id.String(), "-", "") }
	require.Equal(t, want, query(rows))
	require.NoError(t, store.Close())
	require.Equal(t, want, query(rows))
	require.Equal(t, "ok", query("pragma integrity_check"))
	require.Contains(t, query("explain query plan select * from log where segment > 2"), "SEARCH segments USING INTEGER PRIMARY KEY")
	require.Equal(t, "1\n2\n3", query("select position from log where segment > 2"), "they were appended together")
	require.Equal(t, digits(command.CommandID), query("select command from log limit 1"))
	require.Equal(t, digits(last.Events[0].CorrelationID), query("select correlation from log where position = 2"))
	require.Equal(t, digits(picture.Events[0].ID), query("select id from log where version = 1 and position > 1"))
	require.Equal(t, "order'17|2|2\npictures|1|3", query("select name, version, position from streams"))
	require.Equal(t, time.Now().UTC().Format("2006"), query("select substr(time, 1, 4) from log limit 1"))
}

// TestOpenRefuses gives Open what it cannot open, and makes sure that it leaves it as it was.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	require.NoError(t, os.WriteFile(text, []byte("This is a text, and a long one at that."), 0o600))
	make := func(name, sql string) string {
		path := filepath.Join(dir, name)
		conn, err := sqlite3.Open(path)
		require.NoError(t, err)
		require.NoError(t, conn.Exec(sql))
		require.NoError(t, conn.Close())
		return path
	}
	ours := fmt.Sprintf("pragma application_id=%d; pragma user_version=", 0x4f726378)
	for _, c := range []struct{ path, want string }{
		{"", "path is empty"},
		{dir, "is a directory"},
		{text, "is not a SQLite database"},
		{make("foreign.db", "create table t (a)"), "belongs to another application"},
		{make("id.db", "pragma application_id=17"), "belongs to another application"},
		{make("newer.db", ours+"4"), "has format 4, this program knows up to 3"},
		{make("older.db", ours+"1"), "has format 1, this program reads and writes 3 only"},
		{make("old.db", ours+"2"), "has format 2, this program reads and writes 3 only"},
		{filepath.Join(text, "below.db"), "not a directory"},
	} {
		before, _ := os.ReadFile(c.path)
		_, err := sqlite.Open(t.Context(), c.path, sqlite.Options{})
		require.ErrorContains(t, err, c.want, c.path)
		after, _ := os.ReadFile(c.path)
		require.Equal(t, before, after, "%s was changed", c.path)
	}
	_, err := sqlite.Open(t.Context(), filepath.Join(dir, "none.db"), sqlite.Options{ReadOnly: true})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = sqlite.Open(t.Context(), "", sqlite.Options{Readers: 65})
	require.ErrorContains(t, err, "path is empty")
	require.ErrorContains(t, err, "Readers is 65", "every fault is reported at once")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sqlite.Open(ctx, filepath.Join(dir, "new.db"), sqlite.Options{})
	require.ErrorIs(t, err, context.Canceled)
	_ = open(t, dir) // a failed Open leaves no lock and no connection
}

// TestDamageIsReported changes stored data behind the store's back (G11).
func TestDamageIsReported(t *testing.T) {
	for name, sql := range map[string]string{
		"an event is gone":            "delete from segments where last = 3",
		"an event moved":              "update segments set events = replace(events, ',3,', ',7,') where last = 3",
		"an event changed its stream": "update segments set events = replace(events, '\"a\"', '\"b\"') where last = 3",
		"its bytes are cut":           "update segments set data = substr(data, 2) where last = 3",
		"its bytes are others":        "update segments set data = zeroblob(length(data)) where last = 3",
		"it came later":               "update segments set time = time + 1 where last = 3",
		"a segment is longer":         "update segments set first = 2 where last = 3",
		"an event has another kind":   "update kinds set type = 'order.deleted'",
		"its kind is gone":            "delete from kinds",
		"an event is another":         "update segments set (events, data) = (select events, data from segments where last = 2) where last = 3",
		"the stream is shorter":       "update streams set version = 3, position = 3",
		"there is more":               "update segments set events = replace(events, ']]', ',{\"metadata\":{}}]]') where last = 3",
		"it is no JSON":               "update segments set events = replace(events, ']]', ',{]]') where last = 3",
		"the end is cut off":          "delete from segments where last = 5",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store := open(t, dir)
			for i := range 5 {
				must(t, store, numbered("a", engine.Version(i)))
			}
			require.NoError(t, store.Close())
			conn, err := sqlite3.Open(filepath.Join(dir, "events.db"))
			require.NoError(t, err)
			require.NoError(t, conn.Exec("pragma foreign_keys=off; "+sql))
			require.NotZero(t, conn.Changes())
			require.NoError(t, conn.Close())
			reopened, err := sqlite.Open(t.Context(), filepath.Join(dir, "events.db"), sqlite.Options{})
			for n := 1; err == nil; n++ {
				require.Less(t, n, 6, "damage was served as if it were whole")
				err = firstError(reopened.Load(t.Context(), "a", 1))
			}
			require.ErrorIs(t, err, engine.ErrCorrupt)
			if reopened != nil {
				require.NoError(t, reopened.Close())
			}
		})
	}
}

// firstError gives the error of an iteration, nil when there is none.
func firstError(events func(func(engine.Event, error) bool)) error {
	for _, err := range events {
		if err != nil {
			return err
		}
	}
	return nil
}
