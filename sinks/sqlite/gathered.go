package sqlite

import (
	"errors"
	"runtime"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"
)

const (
	// gatheredBytes is how much is handed on in one piece.
	gatheredBytes = 256 << 10
	// yieldBytes is how much a commit must have written for others to be let run first. For less it does not pay: the sync takes
	// hardly longer than telling the disk to begin, and the 64 callers of orchestrix bench durable lost 2 percent.
	yieldBytes = 64 << 10
	// longYield is what a yield takes only beside goroutines that compute, each of which the runtime lets go on for 10 ms. With
	// 1 ms instead, the 1024 commands in flight there lost 3 percent.
	longYield = 4 * time.Millisecond
	// hastyYields are left out when one has taken so long.
	hastyYields = 256
)

// logVFS is a file system of SQLite in which a write-ahead log is written in large pieces.
//
// SQLite writes a transaction into its log in two pieces for each page, one behind the other, and then syncs it. A system
// call costs more than the bytes of a page, so the pieces are put together. Nobody reads them before the sync: other
// connections look at the log only as far as the last commit, and that is made known after its sync. (Where a write could
// damage what stands beside it, SQLite pads the log, and syncs before the last of it is written. There nothing is gathered.)
//
// The same must not be done to the database: SQLite says what it has moved there before it syncs it.
type logVFS struct{ lowerVFS }

// newLogVFS registers the file system over another, and gives its name.
func newLogVFS(below string) (name string) {
	name = "orchestrix log " + below
	vfs.Register(name, logVFS{lowerVFS(below)})
	return name
}

// OpenFilename opens a file.
func (v logVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := v.lowerVFS.OpenFilename(name, flags)
	if err == nil && flags&vfs.OPEN_WAL != 0 && file.DeviceCharacteristics()&vfs.IOCAP_POWERSAFE_OVERWRITE != 0 {
		file = &gatheredFile{File: file, begin: beginWriteback(file)}
	}
	return file, flags, err
}

// gatheredFile is a file whose writes wait for a sync, or for whatever else is done with it. Before a sync of much it lets
// others run: see yield.
type gatheredFile struct {
	vfs.File
	waiting []byte       // one piece
	at      int64        // where it begins
	handed  int          // bytes handed on since the last sync
	begin   func() error // see beginWriteback
	hasty   int          // yields to come that are left out
}

// WriteAt puts data behind what waits. An error is that of what waited before.
func (f *gatheredFile) WriteAt(data []byte, at int64) (int, error) {
	if end := f.at + int64(len(f.waiting)); at != end || len(f.waiting)+len(data) > gatheredBytes {
		if err := f.flush(); err != nil {
			return 0, err
		}
		f.at = at
	}
	f.waiting = append(f.waiting, data...)
	return len(data), nil
}

// flush hands on what waits. What could not be written is forgotten, as it is without this file.
func (f *gatheredFile) flush() error {
	if len(f.waiting) == 0 {
		return nil
	}
	_, err := fullAt(f.File.WriteAt(f.waiting, f.at))
	f.handed += len(f.waiting)
	f.at, f.waiting = f.at+int64(len(f.waiting)), f.waiting[:0]
	return err
}

// Sync hands on what waits and syncs the file.
func (f *gatheredFile) Sync(flags vfs.SyncFlag) error {
	if err := f.flush(); err != nil {
		return err
	}
	if err := f.yield(); err != nil {
		return err
	}
	f.handed = 0
	return f.File.Sync(flags)
}

// yield tells the disk to begin with a sync of much, and lets those run meanwhile who are ready to. A goroutine that waits for
// a sync keeps a processor from them until Go's runtime takes it back, which it was seen to do after a tenth of a millisecond
// or two: as long as most syncs take. An error is one of the sync.
func (f *gatheredFile) yield() error {
	switch {
	case f.begin == nil || f.handed < yieldBytes:
		return nil
	case f.hasty > 0:
		f.hasty--
		return nil
	}
	if err := f.begin(); err != nil {
		return err
	}
	began := time.Now()
	if runtime.Gosched(); time.Since(began) > longYield {
		f.hasty = hastyYields
	}
	return nil
}

// ReadAt hands on what waits and reads the file.
func (f *gatheredFile) ReadAt(data []byte, at int64) (int, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(data, at)
}

// Truncate hands on what waits and cuts the file.
func (f *gatheredFile) Truncate(size int64) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// Size hands on what waits and gives the size of the file.
func (f *gatheredFile) Size() (int64, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.Size()
}

// Close hands on what waits and closes the file.
func (f *gatheredFile) Close() error { return errors.Join(f.flush(), f.File.Close()) }
