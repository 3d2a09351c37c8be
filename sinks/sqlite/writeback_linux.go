package sqlite

import "golang.org/x/sys/unix"

// beginWriteback tells the system to write what it keeps of a file to the disk, and does not wait for it. An error of the disk
// is left to the sync: without the flags that wait, nobody is told of it here.
func beginWriteback(fd uintptr) error {
	return unix.SyncFileRange(int(fd), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
}
