package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// defaultCheckpointPages is how many pages of 4 KiB the write-ahead log may hold before they are moved into the file: 16 MiB.
// SQLite's own 1000 makes a writer stop to sync the file four times as often; more would make opening after a crash
// slower, for the whole log is then read.
const defaultCheckpointPages = 4000

// How long a connection waits for a lock of another one, and how long opening does for readers of the log.
const (
	busyTimeout = 5 * time.Second
	busyAtOpen  = 100 * time.Millisecond
)

// What SQLite adds to the path of a database.
const (
	logSuffix     = "-wal"     // the write-ahead log
	journalSuffix = "-journal" // what it needs to take back the making of the file
	sharedSuffix  = "-shm"     // the index of the log, which processes share; nothing is lost with it
)

// pageSize is that of SQLite's pages; pageReserve is what each keeps free at its end, for the checksum that SQLite's
// checksum extension (cksumvfs) defines. It is computed when a page is written into the file, and looked at whenever one
// is read from there, so that a damaged page of an index cannot lead a search astray.
const (
	pageSize    = 4096
	pageReserve = 8
)

// prepareFile makes the directory and the file that are missing, so that each has the right mode from its first moment,
// and gives the path that SQLite and the lock use: absolute and without links, so that two names of one file meet at one
// lock.
func prepareFile(d disk, path string, readOnly bool) (string, error) {
	if !readOnly {
		dir := filepath.Dir(path)
		if err := d.makeDir(dir); err != nil {
			return "", err
		}
		_, err := d.create(path)
		if err == nil {
			// A file whose name a power cut takes away was not durable. It may have been made by a process that died
			// before it came to this line.
			err = d.syncDir(dir)
		}
		if err != nil {
			return "", err
		}
	}
	path, err := d.resolve(path)
	if err != nil {
		return "", err
	}
	_, err = readHeader(d, path)
	return path, err
}

// header is what SQLite writes at the beginning of a file.
type header [100]byte

// readHeader reads the header, and tells a foreign file from a database before SQLite sees it, for a clearer error. The
// header of an empty file is zero.
func readHeader(d disk, path string) (head header, err error) {
	file, err := d.open(path)
	if err != nil {
		return head, err
	}
	n, err := file.ReadAt(head[:], 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err = errors.Join(err, file.Close()); err != nil || n == 0 {
		return head, err
	}
	if !bytes.HasPrefix(head[:], []byte("SQLite format 3\x00")) {
		// Power failed while the file was made: SQLite takes that back, with the journal it wrote before.
		if journal, err := d.open(path + journalSuffix); err == nil {
			return header{}, journal.Close()
		}
		return head, fmt.Errorf("%s is not a SQLite database", path)
	}
	return head, nil
}

// checkHeader makes sure that a store's file says that its pages have checksums: damage to that byte would turn them off.
func checkHeader(d disk, path string) error {
	head, err := readHeader(d, path)
	if err != nil {
		return err
	}
	if size := int(head[16])<<8 | int(head[17]); size != pageSize || head[20] != pageReserve {
		return corrupt("%s, byte 16 to 20: pages of %d bytes with %d in reserve, instead of %d with %d",
			path, size, head[20], pageSize, pageReserve)
	}
	return nil
}

// fileURI is how SQLite is told a path, so that no file name has a meaning of its own.
func fileURI(path string, query url.Values) string {
	// A space is written as '+' in a form, which is what Encode is for. SQLite takes a '+' as it stands.
	values := strings.ReplaceAll(query.Encode(), "+", "%20")
	uri := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: values}
	return uri.String()
}

// connect opens one connection. The path is given as a URI, so that no file name has a meaning of its own, and so that
// the write-ahead log gets the mode of the file. Files is SQLite's name of a file system.
func connect(ctx context.Context, path, files string, o *Options) (*connection, error) {
	query := url.Values{"modeof": {path}}
	if files != "" {
		query.Set("vfs", files)
	}
	uri := fileURI(path, query)
	flags := sqlite3.OPEN_URI | sqlite3.OPEN_READWRITE
	if o.ReadOnly {
		flags = sqlite3.OPEN_URI | sqlite3.OPEN_READONLY
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	conn, err := sqlite3.OpenFlags(uri, flags)
	if err != nil {
		return nil, err
	}
	c := &connection{conn: conn}
	err = conn.Exec("PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY; " +
		"PRAGMA foreign_keys=OFF") // the references are true by construction; looking each up costs as much as inserting
	err = errors.Join(err, conn.BusyTimeout(busyTimeout))
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// emptyLog moves a log that was left behind into the file, and cuts it to nothing, before anything in it is served.
//
// A process that was killed, or whose sync failed, may have left commits that are whole and are not on the disk; served
// now, they would be gone after a power cut. The file gets a new copy of them, and is synced. And what a power cut has
// torn would else stand behind the transactions to come, and look like one of them.
//
// A process that reads the file can keep the log; then its bytes are written again instead.
func (c *connection) emptyLog(d disk, path string) error {
	if err := c.conn.BusyTimeout(busyAtOpen); err != nil {
		return err
	}
	_, _, err := c.conn.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	if errors.Is(err, sqlite3.BUSY) {
		err = d.rewrite(path + logSuffix)
	}
	return errors.Join(err, c.conn.BusyTimeout(busyTimeout))
}

// connectReader opens a connection that cannot write, and that leaves the log alone when it is closed.
func connectReader(ctx context.Context, path string, o *Options) (*connection, error) {
	c, err := connect(ctx, path, o.tuning.disk.vfs(), o)
	if err != nil {
		return nil, err
	}
	err = c.conn.Exec("PRAGMA query_only=ON; PRAGMA cache_size=-4096")
	if err == nil {
		_, err = c.conn.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// connectWriter opens the connection that writes, and makes the tables in an empty file. Nothing is changed in a file
// that is not ours. The writer itself says when the log is moved into the file, so that an error there is seen.
func connectWriter(ctx context.Context, path string, o *Options) (*connection, error) {
	files := o.tuning.disk.vfs()
	if o.tuning.synchronous == "FULL" { // without a sync a commit would be made known too early
		files = newLogVFS(files)
	}
	c, err := connect(ctx, path, files, o)
	if err != nil {
		return nil, err
	}
	empty, err := checkFormat(c)
	if err == nil && empty {
		_, err = c.conn.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES, pageReserve)
	}
	if err == nil {
		err = c.conn.Exec(fmt.Sprintf("PRAGMA page_size=%d; PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; "+
			"PRAGMA cache_size=-4096; PRAGMA wal_autocheckpoint=0", pageSize, o.tuning.synchronous))
	}
	if err == nil {
		err = checkHeader(o.tuning.disk, path)
	}
	if err == nil && empty {
		err = create(c)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// connectCheckpointer opens a connection that moves the log into the file beside the writer's.
func connectCheckpointer(path string, o *Options) (*connection, error) {
	c, err := connect(noContext, path, newCheckpointVFS(o.tuning.disk.vfs()), o)
	if err != nil {
		return nil, err
	}
	_, err = c.conn.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true)
	if err == nil {
		err = c.conn.Exec("PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=" + o.tuning.synchronous)
	}
	if err == nil {
		_, err = c.number("SELECT position FROM progress") // a connection finds the log when it first reads
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}
