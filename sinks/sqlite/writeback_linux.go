package sqlite

import (
	"errors"
	"syscall"

	"github.com/ncruces/go-sqlite3/vfs"
	"golang.org/x/sys/unix"
)

// beginWriteback gives what tells the system to begin writing to the disk what it holds of a file; nil for a file that is not
// the system's. It waits only while the disk's queue is full, and makes nothing durable. Its error is one of a sync: where the
// system finds no place on the disk it says so here, and the sync that follows says nothing.
func beginWriteback(file vfs.File) func() error {
	opened, ok := file.(interface{ Fd() uintptr })
	if !ok {
		return nil
	}
	return func() error {
		for {
			err := unix.SyncFileRange(int(opened.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
			if !errors.Is(err, syscall.EINTR) {
				return writebackError(err)
			}
		}
	}
}

// writebackError is what an error of sync_file_range means: nothing where the system or the file does not know it.
func writebackError(err error) error {
	for _, unknown := range []error{syscall.ENOSYS, syscall.EPERM, syscall.EINVAL, syscall.ESPIPE, syscall.EOPNOTSUPP} {
		if errors.Is(err, unknown) {
			return nil
		}
	}
	_, err = fullAt(0, err)
	return err
}
