package sqlite

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// TestWritebackBegins writes as much as is kept, twice and a bit more.
func TestWritebackBegins(t *testing.T) {
	begun := 0
	w := &writeback{begin: func() error { begun++; return os.ErrInvalid }}
	for range 2*writebackBytes/pageSize + 1 {
		w.wrote(pageSize)
	}
	require.Equal(t, 2, begun)
	require.Equal(t, pageSize, w.kept)
}

// The files of the system are told to begin, those that SQLite's log and the checkpointer are given; any other is left alone.
func TestWritebackOfFiles(t *testing.T) {
	require.Nil(t, beginWriteback(&simFile{}))
	path := filepath.Join(t.TempDir(), "events.db")
	store, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	require.NoError(t, store.Append(t.Context(), []engine.Append{oneEvent("a")})[0].Err)
	c, err := connectCheckpointer(path, &store.options)
	require.NoError(t, err)
	moved := pointed(t, c, sqlite3.FCNTL_FILE_POINTER).(vfs.FileUnwrap).Unwrap() // the driver's checksums are around it
	log := pointed(t, store.writer.connection, sqlite3.FCNTL_JOURNAL_POINTER)
	for _, begin := range []func() error{moved.(checkpointFile).writeback.begin, log.(*gatheredFile).begin} {
		if runtime.GOOS != "linux" {
			require.Nil(t, begin)
			continue
		}
		require.NoError(t, begin())
	}
	require.NoError(t, c.close())
	require.NoError(t, store.Close())
}

// pointed gives a file of a connection.
func pointed(t *testing.T, c *connection, which sqlite3.FcntlOpcode) vfs.File {
	file, err := c.conn.FileControl("main", which)
	require.NoError(t, err)
	return file.(vfs.File)
}
