package bench

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncData makes what was written durable, but not the time at which: the size of a prefilled file stays as it is.
func syncData(file *os.File) error {
	for {
		if err := unix.Fdatasync(int(file.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// inMemory tells whether files of this folder are kept in memory only, where a sync costs nothing.
func inMemory(folder string) (bool, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(folder, &stat); err != nil {
		return false, err
	}
	kind := int64(stat.Type) // of another width on some processors
	return kind == unix.TMPFS_MAGIC || kind == unix.RAMFS_MAGIC, nil
}
