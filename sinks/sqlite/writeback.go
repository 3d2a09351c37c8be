package sqlite

import "github.com/ncruces/go-sqlite3/vfs"

// writebackBytes is how much is moved into the file before the system is told to write it to the disk. Left to itself it keeps
// all of it until the sync, and then the disk gets a whole log at once, while commits wait behind it: with 1024 commands in
// flight one in a hundred took 10 ms, and takes 8.5. PostgreSQL (checkpoint_flush_after) and RocksDB (bytes_per_sync) do the
// same.
const writebackBytes = 1 << 20

// writeback has the system write to the disk what was written into a file, while more is. That makes nothing durable.
type writeback struct {
	begin func() error // see beginWriteback
	kept  int          // bytes that the system was not told to write
}

// newWriteback looks after what is written into a file.
func newWriteback(file vfs.File) *writeback { return &writeback{begin: beginWriteback(file)} }

// wrote says how many bytes were written.
func (w *writeback) wrote(bytes int) {
	if w.kept += bytes; w.kept >= writebackBytes && w.begin != nil {
		w.kept = 0
		_ = w.begin() // a disk that fails says so at the sync
	}
}
