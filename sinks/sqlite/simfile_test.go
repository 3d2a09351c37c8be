package sqlite

import (
	"io"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// simFile is a file of a simDisk that a connection has open.
type simFile struct {
	*simInode
	disk    *simDisk
	path    string
	shm     vfs.SharedMemory
	level   vfs.LockLevel
	syncDir bool // the first sync makes the name durable too
}

var _ vfs.FileSharedMemory = (*simFile)(nil)

func (f *simFile) SharedMemory() vfs.SharedMemory { return f.shm }
func (f *simFile) SectorSize() int                { return 4096 }
func (f *simFile) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return vfs.IOCAP_SUBPAGE_READ | vfs.IOCAP_POWERSAFE_OVERWRITE
}

func (f *simFile) Close() error {
	_ = f.Unlock(vfs.LOCK_NONE)
	if f.shm != nil {
		return f.shm.Close()
	}
	return nil
}

func (f *simFile) ReadAt(to []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.dead {
		return 0, errPower
	}
	if at >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(to, f.data[at:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}

func (f *simFile) WriteAt(data []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	wasDead := f.disk.dead
	err := f.disk.step("write", f.path)
	switch {
	case err == nil, f.disk.dead && !wasDead: // power fails while it is written: it may be there
		f.written(simWrite{data: data, at: at})
	case f.disk.fault == faultShort && !f.disk.dead:
		f.written(simWrite{data: data[:len(data)/2], at: at})
	}
	if err != nil {
		return 0, err
	}
	return len(data), nil
}

func (f *simFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.step("truncate", f.path); err != nil {
		return err
	}
	f.written(simWrite{at: size})
	return nil
}

func (f *simFile) Sync(vfs.SyncFlag) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.syncInode(f.simInode, f.path); err != nil {
		return err
	}
	if !f.syncDir {
		return nil
	}
	f.syncDir = false
	return f.disk.syncNames(f.path)
}

func (f *simFile) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.data)), nil
}

// simLocks are SQLite's locks on a file.
type simLocks struct {
	shared            int
	reserved, pending bool
}

func (f *simFile) Lock(level vfs.LockLevel) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	l := &f.locks
	if f.level >= level {
		return nil
	}
	switch level {
	case vfs.LOCK_SHARED:
		if l.pending {
			return sqlite3.BUSY
		}
		l.shared++
	case vfs.LOCK_RESERVED:
		if l.reserved {
			return sqlite3.BUSY
		}
		l.reserved = true
	default:
		if l.pending && f.level < vfs.LOCK_PENDING {
			return sqlite3.BUSY
		}
		l.pending = true
		if l.shared > 1 {
			f.level = max(f.level, vfs.LOCK_PENDING)
			return sqlite3.BUSY
		}
	}
	f.level = level
	return nil
}

func (f *simFile) Unlock(level vfs.LockLevel) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	l := &f.locks
	if f.level <= level {
		return nil
	}
	if f.level >= vfs.LOCK_RESERVED {
		l.reserved = false
	}
	if f.level >= vfs.LOCK_PENDING {
		l.pending = false
	}
	if level == vfs.LOCK_NONE {
		l.shared--
	}
	f.level = level
	return nil
}

func (f *simFile) CheckReservedLock() (bool, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.locks.reserved, nil
}
