package sqlite

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// memoryMain is a memory file that processes share.
type memoryMain struct{ memoryFile }

func (*memoryMain) SharedMemory() vfs.SharedMemory { return nil }

// The disk is told to begin whenever much was moved.
func TestCheckpointFileBegins(t *testing.T) {
	begun, failure := 0, error(nil)
	f := &checkpointFile{FileSharedMemory: &memoryMain{}, begin: func() error { begun++; return failure }}
	page := make([]byte, pageSize)
	for range 2*writebackBytes/pageSize + 1 {
		_, err := f.WriteAt(page, 0)
		require.NoError(t, err)
	}
	require.Equal(t, 2, begun)
	failure = errDisk
	_, err := f.WriteAt(make([]byte, writebackBytes), 0)
	require.ErrorIs(t, err, errDisk, "the sync may say nothing of it")
}

// On Linux the log of the writer and the database of the checkpointer can be told to begin; a file that is not the system's
// cannot.
func TestBeginWriteback(t *testing.T) {
	require.Nil(t, beginWriteback(&simFile{}))
	path := filepath.Join(t.TempDir(), "events.db")
	store, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	require.NoError(t, store.Append(t.Context(), []engine.Append{oneEvent("a")})[0].Err)
	c, err := connectCheckpointer(path, &store.options)
	require.NoError(t, err)
	database := fileOf(t, c, sqlite3.FCNTL_FILE_POINTER).(vfs.FileUnwrap).Unwrap() // the driver's checksums are around it
	log := fileOf(t, store.writer.connection, sqlite3.FCNTL_JOURNAL_POINTER)
	for _, begin := range []func() error{database.(*checkpointFile).begin, log.(*gatheredFile).begin} {
		if runtime.GOOS != "linux" {
			require.Nil(t, begin)
			continue
		}
		require.NoError(t, begin())
	}
	require.NoError(t, c.close())
	require.NoError(t, store.Close())
}

// fileOf gives a file that a connection has open.
func fileOf(t *testing.T, c *connection, pointer sqlite3.FcntlOpcode) vfs.File {
	t.Helper()
	file, err := c.conn.FileControl("main", pointer)
	require.NoError(t, err)
	return file.(vfs.File)
}
