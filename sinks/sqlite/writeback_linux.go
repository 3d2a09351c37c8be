package sqlite

import (
	"github.com/ncruces/go-sqlite3/vfs"
	"golang.org/x/sys/unix"
)

// beginWriteback gives what tells the system to write to the disk what it keeps of a file, and does not wait for that; nil for
// a file that is not the system's. An error of the disk is left to the sync: without the flags that wait, nobody is told of it
// here.
func beginWriteback(file vfs.File) func() error {
	opened, ok := file.(interface{ Fd() uintptr })
	if !ok {
		return nil
	}
	return func() error { return unix.SyncFileRange(int(opened.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE) }
}
