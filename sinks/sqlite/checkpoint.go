package sqlite

import (
	"errors"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// writebackBytes is how much is moved into the file before the disk is told to begin with it. Left to itself the system keeps
// nearly all of it until the sync; then the disk gets a whole log at once, and commits wait behind it: in orchestrix bench
// durable the 99th percentile of 1024 commands sent was 12 ms, and is 9. PostgreSQL does the same (checkpoint_flush_after), and
// RocksDB when it is asked to (bytes_per_sync).
const writebackBytes = 1 << 20

// checkpointer moves the write-ahead log into the file when it has become long, so that it can be used again from its
// beginning. To move 16 MiB and to sync them takes some tens of milliseconds. A connection of its own does it beside the
// writer, and once more when the writer has added much meanwhile; the rest is moved by the writer, between two groups.
//
// The writer's goroutine uses everything here but what a pass uses.
type checkpointer struct {
	open   func() (*connection, error)
	beside *connection // that open gave, nil before the first pass; pass uses it
	writer *connection
	step   int  // pages after which the log is long: see defaultCheckpointPages
	inTurn bool // a pass runs in the writer's goroutine, for tests that repeat what happens

	pages  int // length of the log, as of the last commit
	next   int // when it is that long, it is moved
	passes int // since then
	// done is where a pass that runs puts what it did, nil when none runs. The goroutine of the pass sends once, the writer
	// receives, nobody closes. Capacity 1: the pass waits for nobody.
	done chan moved
	runs sync.WaitGroup // of the pass
}

// moved is what a pass did: how many pages the log had, and how many of them are in the file now.
type moved struct {
	length, pages int
	err           error
}

// newCheckpointer looks after the log of a writer's connection.
func newCheckpointer(writer *connection, path string, o *Options) *checkpointer {
	step := o.tuning.checkpointPages
	c := &checkpointer{writer: writer, step: step, next: step, inTurn: o.tuning.checkpointInTurn}
	c.open = func() (*connection, error) { return connectCheckpointer(path, o) }
	writer.conn.WALHook(func(_ *sqlite3.Conn, _ string, pages int) error {
		c.pages = pages
		return nil
	})
	return c
}

// look moves the log, or a part of it, when that is due. The writer calls it between groups. An error is one of the disk.
func (c *checkpointer) look() error {
	for c.done != nil || c.pages >= c.next {
		if c.done == nil {
			c.start()
		}
		var did moved
		select {
		case did = <-c.done:
			c.done = nil
		default:
			return nil
		}
		little := c.pages-did.pages <= c.step/16 || c.passes > 1
		if did.err == nil && did.pages == did.length && little {
			did = pass(c.writer)
		}
		switch {
		case did.err != nil:
			return did.err
		case did.pages == c.pages: // the next commit starts the log anew
			c.pages, c.next, c.passes = 0, c.step, 0
		case did.pages < did.length: // a reader still needs the pages that it began with: that only puts the rest off
			c.next, c.passes = c.pages+c.step, 0
		}
	}
	return nil
}

// start starts a pass.
func (c *checkpointer) start() {
	done := make(chan moved, 1) // see the field
	c.done = done
	c.passes++
	run := func() {
		var err error
		if c.beside == nil {
			c.beside, err = c.open()
		}
		if err != nil {
			done <- moved{err: err}
			return
		}
		done <- passAndSync(c.beside)
	}
	if c.inTurn {
		run()
		return
	}
	c.runs.Go(run)
}

// pass moves what nobody needs in the log any more.
func pass(c *connection) (did moved) {
	did.length, did.pages, did.err = c.conn.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
	if errors.Is(did.err, sqlite3.BUSY) { // somebody else is moving it, or keeps it as it is
		return moved{length: 1}
	}
	return did
}

// passAndSync is a pass, and a sync of what it moved: SQLite itself syncs the file only when the whole log was moved, and
// that would leave the sync to the writer.
func passAndSync(c *connection) moved {
	did := pass(c)
	if did.err != nil {
		return did
	}
	file, err := c.conn.FileControl("main", sqlite3.FCNTL_FILE_POINTER)
	if err == nil {
		err = file.(vfs.File).Sync(vfs.SYNC_NORMAL)
	}
	did.err = err
	return did
}

// close waits for a pass that runs, and closes its connection.
func (c *checkpointer) close() error {
	c.runs.Wait()
	var did moved
	if c.done != nil {
		did, c.done = <-c.done, nil
	}
	if c.beside != nil {
		did.err = errors.Join(did.err, c.beside.close())
	}
	return did.err
}

// checkpointVFS is a file system of SQLite for the connection beside the writer's. No database is mapped into memory: the
// driver maps none whose pages have checksums, but forgets that when a connection moves a log that another one has written,
// and panics. And the disk is told early to begin with what is moved: see writebackBytes.
type checkpointVFS struct{ lowerVFS }

// newCheckpointVFS registers the file system over another, and gives its name.
func newCheckpointVFS(below string) (name string) {
	name = "orchestrix checkpoint " + below
	vfs.Register(name, checkpointVFS{lowerVFS(below)})
	return name
}

// OpenFilename opens a file.
func (v checkpointVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := v.lowerVFS.OpenFilename(name, flags)
	if shared, ok := file.(vfs.FileSharedMemory); ok && err == nil {
		file = &checkpointFile{FileSharedMemory: shared, begin: beginWriteback(file)}
	}
	return file, flags, err
}

// checkpointFile has the methods of a file that processes share, and not the one that maps it.
type checkpointFile struct {
	vfs.FileSharedMemory
	begin func() error // see beginWriteback
	kept  int          // bytes written since the disk was last told to begin
}

// WriteAt writes into the file.
func (f *checkpointFile) WriteAt(data []byte, at int64) (int, error) {
	n, err := fullAt(f.FileSharedMemory.WriteAt(data, at))
	if f.kept += n; f.kept >= writebackBytes && f.begin != nil {
		f.kept = 0
		err = errors.Join(err, f.begin())
	}
	return n, err
}

// SizeHint says how large the file will be.
func (f *checkpointFile) SizeHint(size int64) error {
	if file, ok := f.FileSharedMemory.(vfs.FileSizeHint); ok {
		return file.SizeHint(size)
	}
	return nil
}
