package sqlite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// disk is what the store needs from the operating system besides what SQLite does for itself. Tests put one of their own
// in its place, which loses power.
type disk interface {
	// vfs is the name of SQLite's file system; empty is the operating system's.
	vfs() string
	// makeDir makes a directory and those above it that are missing, durably.
	makeDir(dir string) error
	// create makes an empty file for its owner only, and tells whether it was not there.
	create(path string) (made bool, err error)
	// syncDir makes the names in a directory durable.
	syncDir(dir string) error
	// rewrite writes the content of a file again, in place, and syncs it: that makes it durable whatever happened to its
	// earlier syncs.
	rewrite(path string) error
	// resolve gives the one name of a file that is there: absolute and without links.
	resolve(path string) (string, error)
	// open opens a file to read it; the error matches fs.ErrNotExist when it is not there.
	open(path string) (diskFile, error)
	// lock takes the lock that keeps other writers out, or answers ErrLocked.
	lock(path string) (*fileLock, error)
}

// diskFile is an open file. Its size is that of the moment at which it was opened.
type diskFile struct {
	io.ReaderAt
	io.Closer
	size int64
}

// osDisk is the operating system's.
type osDisk struct{}

func (osDisk) vfs() string                         { return "" }
func (osDisk) lock(path string) (*fileLock, error) { return lockFile(path) }
func (osDisk) create(path string) (made bool, err error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return false, fmt.Errorf("%s is a directory", path)
	}
	if err == nil {
		return false, nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, err
	}
	return true, file.Close()
}

func (d osDisk) makeDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.syncDir(filepath.Dir(dir))
}

func (osDisk) syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func (osDisk) rewrite(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	part := make([]byte, 1<<20)
	for at := int64(0); err == nil; at += int64(len(part)) {
		var n int
		if n, err = file.ReadAt(part, at); n > 0 {
			if _, failed := file.WriteAt(part[:n], at); failed != nil {
				err = failed
			}
		}
	}
	if errors.Is(err, io.EOF) {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (osDisk) resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

func (osDisk) open(path string) (diskFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return diskFile{}, err
	}
	if info.IsDir() {
		return diskFile{}, fmt.Errorf("%s is a directory", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return diskFile{}, err
	}
	return diskFile{ReaderAt: file, Closer: file, size: info.Size()}, nil
}
