package sqlite

import (
	"github.com/ncruces/go-sqlite3/vfs"
	"golang.org/x/sys/unix"
)

// beginWriteback gives what tells the system to begin writing to the disk what it holds of a file; nil for a file that is not
// the system's. It waits only while the disk's queue is full, and makes nothing durable. It takes no error of the disk away from
// the sync: only the flags of sync_file_range that wait look for one.
func beginWriteback(file vfs.File) func() error {
	opened, ok := file.(interface{ Fd() uintptr })
	if !ok {
		return nil
	}
	return func() error { return unix.SyncFileRange(int(opened.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE) }
}
