package sqlite

import (
	"errors"
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// lowerVFS is a file system of SQLite that another one stands on. It is the name: SQLite keeps what is registered for ever,
// and that must not keep what stands below.
type lowerVFS string

func (v lowerVFS) find() vfs.VFS { return vfs.Find(string(v)) }

// Open opens a file.
func (v lowerVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return v.find().Open(name, flags)
}

// OpenFilename opens a file that was named with parameters.
func (v lowerVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if system, ok := v.find().(vfs.VFSFilename); ok {
		return system.OpenFilename(name, flags)
	}
	return v.Open(name.String(), flags)
}

// Delete removes a file.
func (v lowerVFS) Delete(name string, syncDir bool) error { return v.find().Delete(name, syncDir) }

// Access tells whether a file is there, or may be used.
func (v lowerVFS) Access(name string, flags vfs.AccessFlag) (bool, error) {
	return v.find().Access(name, flags)
}

// FullPathname gives a name without links.
func (v lowerVFS) FullPathname(name string) (string, error) { return v.find().FullPathname(name) }

// fullAt gives what came of a write, with its right name when the disk is full: the driver knows that error only bare, and
// the system gives it with the path. Nobody would look for free space behind "disk I/O error".
func fullAt(n int, err error) (int, error) {
	if errors.Is(err, syscall.ENOSPC) {
		err = vfs.SystemError(err, sqlite3.FULL)
	}
	return n, err
}
