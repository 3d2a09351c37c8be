package sqlite

import (
	"errors"

	"github.com/ncruces/go-sqlite3/vfs"
)

// logBytes is how much of the write-ahead log is handed on in one piece.
const logBytes = 256 << 10

// logVFS is a file system of SQLite in which a write-ahead log is written in large pieces.
//
// SQLite writes a transaction into its log in two pieces for each page, one behind the other, and then syncs it. A system
// call costs more than the bytes of a page, so the pieces are put together. Nobody reads them before the sync: other
// connections look at the log only as far as the last commit, and that is made known after its sync.
type logVFS struct{ vfs.VFS }

// newLogVFS registers the file system over another, and gives its name.
func newLogVFS(below string) (name string) {
	name = "orchestrix " + below
	vfs.Register(name, logVFS{vfs.Find(below)})
	return name
}

// OpenFilename opens a file.
func (v logVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (file vfs.File, _ vfs.OpenFlag, err error) {
	if below, ok := v.VFS.(vfs.VFSFilename); ok {
		file, flags, err = below.OpenFilename(name, flags)
	} else {
		file, flags, err = v.Open(name.String(), flags)
	}
	if err == nil && flags&vfs.OPEN_WAL != 0 {
		file = &logFile{File: file}
	}
	return file, flags, err
}

// logFile is a file whose writes wait for a sync, or for whatever else is done with it.
type logFile struct {
	vfs.File
	waiting []byte // one piece
	at      int64  // where it begins
}

// WriteAt puts data behind what waits. An error is that of what waited before.
func (f *logFile) WriteAt(data []byte, at int64) (int, error) {
	if end := f.at + int64(len(f.waiting)); at != end || len(f.waiting)+len(data) > logBytes {
		if err := f.flush(); err != nil {
			return 0, err
		}
		f.at = at
	}
	f.waiting = append(f.waiting, data...)
	return len(data), nil
}

// flush hands on what waits. What could not be written is forgotten, as it is without this file.
func (f *logFile) flush() error {
	if len(f.waiting) == 0 {
		return nil
	}
	_, err := f.File.WriteAt(f.waiting, f.at)
	f.at, f.waiting = f.at+int64(len(f.waiting)), f.waiting[:0]
	return err
}

// Sync hands on what waits and syncs the file.
func (f *logFile) Sync(flags vfs.SyncFlag) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Sync(flags)
}

// ReadAt hands on what waits and reads the file.
func (f *logFile) ReadAt(data []byte, at int64) (int, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(data, at)
}

// Truncate hands on what waits and cuts the file.
func (f *logFile) Truncate(size int64) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// Size hands on what waits and gives the size of the file.
func (f *logFile) Size() (int64, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.Size()
}

// Close hands on what waits and closes the file.
func (f *logFile) Close() error { return errors.Join(f.flush(), f.File.Close()) }
