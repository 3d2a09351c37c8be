//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// fileLock keeps other writers out, of this process and of others. It is the kernel's lock on an open file, so it is
// gone when the process is, however that ended: a file that was left behind holds nobody up.
type fileLock struct{ file *os.File }

// lockFile takes the lock beside a database file, or answers ErrLocked with the path and the holder's process id.
func lockFile(path string) (*fileLock, error) {
	if err := checkLinks(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sqlite: lock of %s: %w", path, err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fmt.Errorf("%w: %s is held by %s", ErrLocked, path, holder(file))
	case err != nil:
		err = fmt.Errorf("sqlite: lock of %s: %w", path, err)
	default:
		// The process id is for people. A lock without it locks as well, so a full disk is no reason to give up.
		if file.Truncate(0) == nil {
			_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		}
		return &fileLock{file: file}, nil
	}
	return nil, errors.Join(err, file.Close())
}

// checkLinks refuses a database file that has a second name. The lock and SQLite's log stand beside a name, not beside
// the file: a writer on each name would know nothing of the other, and together they would destroy the file.
func checkLinks(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("sqlite: lock of %s: %w", path, err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Nlink > 1 {
		return fmt.Errorf("sqlite: %s has %d names (hard links), and a writer on another one would not meet its lock: "+
			"remove the other names (find -samefile shows them) or replace them by copies", path, stat.Nlink)
	}
	return nil
}

// holder names who holds a lock file.
func holder(file *os.File) string {
	text := make([]byte, 20)
	n, _ := file.ReadAt(text, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	switch {
	case err != nil:
		return "another process"
	case pid == os.Getpid():
		return "this process"
	}
	return fmt.Sprintf("process %d", pid)
}

// release lets the next writer in. The file stays: were it removed, one process could lock the removed file while
// another locks a new one of the same name.
func (l *fileLock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
