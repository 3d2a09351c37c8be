package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// simDisk is a disk in memory that loses power. It is SQLite's file system and the store's disk.
//
// What is written is seen at once, and is durable once the file is synced; a name is durable once its directory is.
// After a power cut everything that was not durable is lost, kept or torn between sectors, each for itself. A sync that
// fails loses what it should have made durable for ever: a later one does not bring it back, as on real systems.
type simDisk struct {
	name   string // of the file system
	shared string // a real folder, for the shared memory of connections, which SQLite cannot keep elsewhere

	mu      sync.Mutex
	names   map[string]*simInode
	durable map[string]*simInode // the names that a power cut leaves
	random  *rand.Rand
	calls   int  // that change something: create, write, truncate, sync, delete
	cutAt   int  // the call at which power fails; 0 is never
	dead    bool // no power: every call fails
	failAt  int  // the call that fails as fault says; 0 is none
	fault   simFault
	failed  string // the call that did
	noDirs  bool   // a bad disk, which forgets to sync directories
}

// simFault is how a call fails.
type simFault int

const (
	faultIO simFault = iota
	faultFull
	faultShort
	faultKinds
)

// simInode is a file: as it is seen, as it is durable, and what lies between the two.
type simInode struct {
	data, synced []byte
	pending      []simWrite
	locks        simLocks
}

// simWrite is data at an offset, or a new size when there is no data.
type simWrite struct {
	data []byte
	at   int64
}

var errPower = errors.New("there is no power")

var simDisks atomic.Int64

// newSimDisk makes an empty disk. Its folder is for shared memory.
func newSimDisk(folder string, seed uint64) *simDisk {
	d := &simDisk{
		name: fmt.Sprintf("sim%d", simDisks.Add(1)), names: map[string]*simInode{}, durable: map[string]*simInode{},
		random: rand.New(rand.NewPCG(seed, 1)),
	}
	d.shared = filepath.Join(folder, d.name)
	vfs.Register(d.name, simVFS{d})
	return d
}

func (d *simDisk) remove() {
	vfs.Unregister(d.name)
	_ = os.Remove(d.shared)
}

// step counts a call that changes something, and says how it fails. The lock is held.
func (d *simDisk) step(what, path string) error {
	if d.dead {
		return errPower
	}
	d.calls++
	if d.calls == d.cutAt {
		d.dead = true
		return errPower
	}
	if d.calls != d.failAt {
		return nil
	}
	d.failed = what + " " + filepath.Base(path)
	if d.fault == faultFull && what != "sync" {
		return sqlite3.FULL
	}
	return sqlite3.IOERR
}

// failedCall is the call that failed, empty for none. A writer may be moving its log meanwhile.
func (d *simDisk) failedCall() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// written notes a change of a file. The lock is held.
func (n *simInode) written(w simWrite) {
	w.data = bytes.Clone(w.data)
	n.data = w.apply(n.data)
	n.pending = append(n.pending, w)
}

func (w simWrite) apply(to []byte) []byte {
	if w.data == nil {
		return resize(to, w.at)
	}
	if end := w.at + int64(len(w.data)); end > int64(len(to)) {
		to = resize(to, end)
	}
	copy(to[w.at:], w.data)
	return to
}

func resize(data []byte, size int64) []byte {
	if size <= int64(len(data)) {
		return data[:size]
	}
	if size <= int64(cap(data)) {
		old := len(data)
		data = data[:size]
		clear(data[old:])
		return data
	}
	return append(make([]byte, 0, 2*size), append(data, make([]byte, size-int64(len(data)))...)...)
}

// syncInode makes a file durable, or fails to. The lock is held.
func (d *simDisk) syncInode(n *simInode, path string) error {
	err := d.step("sync", path)
	switch {
	case d.dead:
		return err
	case err != nil: // the system forgets what it could not write
		for _, w := range n.pending {
			if d.random.IntN(2) == 0 {
				n.synced = w.apply(n.synced)
			}
		}
	default:
		for _, w := range n.pending {
			n.synced = w.apply(n.synced)
		}
	}
	n.pending = n.pending[:0]
	return err
}

// syncNames makes the names durable. The lock is held.
func (d *simDisk) syncNames(path string) error {
	if err := d.step("sync directory of", path); err != nil {
		return err
	}
	if !d.noDirs {
		d.durable = maps.Clone(d.names)
	}
	return nil
}

// revive ends the time without power. Every connection must be closed. A process that was killed leaves all that it
// wrote in the system's memory; a power cut takes that away.
func (d *simDisk) revive(powerCut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead, d.cutAt, d.failAt, d.failed, d.calls = false, 0, 0, "", 0
	_ = os.Remove(d.shared)
	for _, n := range d.names {
		n.locks = simLocks{}
	}
	if !powerCut {
		return
	}
	after := map[string]*simInode{}
	for _, names := range []map[string]*simInode{d.durable, d.names} {
		for name := range names {
			n := d.durable[name]
			if d.random.IntN(2) == 0 {
				n = d.names[name]
			}
			if n != nil {
				after[name] = n
			}
		}
	}
	d.names, d.durable = after, maps.Clone(after)
	for _, n := range after {
		n.lose(d.random)
	}
}

// lose leaves of a file what a power cut leaves: everything, nothing, the first writes and a torn one, or sectors at
// random.
func (n *simInode) lose(random *rand.Rand) {
	way, share, until := random.IntN(4), random.Float64(), 0
	if len(n.pending) > 0 {
		until = random.IntN(len(n.pending))
	}
	for i, w := range n.pending {
		switch {
		case way == 0, way == 1 && i < until:
			n.synced = w.apply(n.synced)
		case way == 1 && i == until, way == 2:
			n.synced = w.tear(n.synced, random, share)
		}
	}
	n.pending = nil
	n.data = bytes.Clone(n.synced)
}

// tear applies a part of the sectors of a write, and sometimes its size without any of them.
func (w simWrite) tear(to []byte, random *rand.Rand, share float64) []byte {
	if w.data == nil {
		if random.Float64() < share {
			to = w.apply(to)
		}
		return to
	}
	if end := w.at + int64(len(w.data)); random.IntN(8) == 0 && end > int64(len(to)) {
		to = resize(to, end)
	}
	for data, at := w.data, w.at; len(data) > 0; {
		n := min(int64(len(data)), sectorBytes-at%sectorBytes)
		if random.Float64() < share {
			to = simWrite{data: data[:n], at: at}.apply(to)
		}
		data, at = data[n:], at+n
	}
	return to
}

// The store's side of the disk.

func (d *simDisk) vfs() string                         { return d.name }
func (d *simDisk) makeDir(string) error                { return nil }
func (d *simDisk) lock(string) (*fileLock, error)      { return nil, nil }
func (d *simDisk) resolve(path string) (string, error) { return path, nil }

func (d *simDisk) create(path string) (bool, error) {
	if strings.HasSuffix(path, sharedSuffix) {
		return false, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[path] != nil {
		return false, nil
	}
	if err := d.step("create", path); err != nil {
		return false, err
	}
	d.names[path] = &simInode{}
	return true, nil
}

func (d *simDisk) syncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncNames(dir)
}

func (d *simDisk) rewrite(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.names[path]
	if n == nil {
		return fs.ErrNotExist
	}
	n.written(simWrite{data: n.data})
	return d.syncInode(n, path)
}

func (d *simDisk) open(path string) (diskFile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.names[path]
	switch {
	case d.dead:
		return diskFile{}, errPower
	case n == nil:
		return diskFile{}, fs.ErrNotExist
	}
	data := bytes.Clone(n.data)
	return diskFile{ReaderAt: bytes.NewReader(data), Closer: io.NopCloser(nil), size: int64(len(data))}, nil
}

// simVFS is SQLite's side of the disk.
type simVFS struct{ *simDisk }

func (v simVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if name == "" || flags&(vfs.OPEN_MAIN_DB|vfs.OPEN_MAIN_JOURNAL|vfs.OPEN_WAL) == 0 {
		return &vfsutil.SliceFile{}, flags | vfs.OPEN_MEMORY, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.names[name]
	if n == nil && flags&vfs.OPEN_CREATE == 0 {
		return nil, flags, sqlite3.CANTOPEN
	}
	if n == nil {
		if err := v.step("create", name); err != nil {
			return nil, flags, err
		}
		n = &simInode{}
		v.names[name] = n
	}
	f := &simFile{disk: v.simDisk, simInode: n, path: name}
	f.syncDir = flags&vfs.OPEN_CREATE != 0 && flags&vfs.OPEN_MAIN_DB == 0 // as the operating system's does
	f.shm = vfs.NewSharedMemory(v.shared, flags)
	return f, flags, nil
}

func (v simVFS) Delete(name string, syncDir bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.names[name] == nil {
		return sqlite3.IOERR_DELETE_NOENT
	}
	if err := v.step("delete", name); err != nil {
		return err
	}
	delete(v.names, name)
	if syncDir {
		return v.syncNames(name)
	}
	return nil
}

func (v simVFS) Access(name string, _ vfs.AccessFlag) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.names[name] != nil, nil
}

func (v simVFS) FullPathname(name string) (string, error) { return name, nil }
