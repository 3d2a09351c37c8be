package sqlite

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/stretchr/testify/require"
)

// A system that does not know how to begin fails nothing; any other error is one of the disk.
func TestWritebackError(t *testing.T) {
	require.NoError(t, writebackError(nil))
	require.NoError(t, writebackError(syscall.ENOSYS))
	require.NoError(t, writebackError(fmt.Errorf("sandbox: %w", syscall.EPERM)))
	require.ErrorIs(t, writebackError(syscall.EIO), syscall.EIO)
	require.ErrorIs(t, writebackError(syscall.EBADMSG), syscall.EBADMSG, "ext4, of a damaged bitmap")
	require.Equal(t, vfs.SystemError(syscall.ENOSPC, sqlite3.FULL), writebackError(syscall.ENOSPC), "by its name in SQLite")
}
