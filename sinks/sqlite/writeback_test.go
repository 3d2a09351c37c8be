package sqlite

import (
	"os"
	"path/filepath"
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

// TestWritebackOfFiles finds that the file of the operating system is one that it can be told to write, as the checkpointer
// opens it, and that any other is left alone.
func TestWritebackOfFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	store, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	require.NoError(t, store.Append(t.Context(), []engine.Append{oneEvent("a")})[0].Err)
	c, err := connectCheckpointer(path, &store.options)
	require.NoError(t, err)
	pointer, err := c.conn.FileControl("main", sqlite3.FCNTL_FILE_POINTER)
	require.NoError(t, err)
	file, ok := pointer.(vfs.FileUnwrap).Unwrap().(checkpointFile) // the driver's checksums are around it
	require.True(t, ok, "%T", pointer)
	require.NotNil(t, file.writeback.begin)
	require.NoError(t, file.writeback.begin())
	require.NoError(t, c.close())
	require.NoError(t, store.Close())

	simulated := newWriteback(&simFile{})
	simulated.wrote(2 * writebackBytes)
	require.Nil(t, simulated.begin)
}
