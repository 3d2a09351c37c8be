package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
)

// checkpointPages is how many pages of 4 KiB the write-ahead log may hold before they are moved into the file: 16 MiB.
// SQLite's own 1000 makes a writer stop to sync the file four times as often; more would make opening after a crash
// slower, for the whole log is then read.
const checkpointPages = 4000

// prepareFile makes the directory and the files that are missing, so that each has the right mode from its first
// moment, and gives the path that SQLite and the lock use: absolute and without links, so that two names of one file
// meet at one lock.
func prepareFile(path string, readOnly bool) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if !readOnly {
		if err := makeDir(filepath.Dir(path)); err != nil {
			return "", err
		}
		if err := touch(path); err != nil {
			return "", err
		}
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	if err := checkHeader(path); err != nil {
		return "", err
	}
	return path, nil
}

// touch makes an empty file for its owner only, unless the file is there.
func touch(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory", path)
	}
	if err == nil {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// touchShared makes SQLite's shared memory file, which would otherwise be made with a mode of its own.
func touchShared(path string) error { return touch(path + "-shm") }

// checkHeader tells a foreign file from a database before SQLite sees it, for a clearer error.
func checkHeader(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a directory", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	n, err := io.ReadFull(file, head)
	if closeErr := file.Close(); closeErr != nil {
		return closeErr
	}
	if errors.Is(err, io.EOF) { // empty: to be created
		return nil
	}
	if !bytes.Equal(head[:n], []byte(magic)) {
		return fmt.Errorf("%s is not a SQLite database", path)
	}
	return nil
}

// makeDir makes a directory and the missing ones above it, for their owner only, and syncs each into its parent: a file
// in a directory that a power cut takes away was not durable.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	parent, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// connect opens one connection. The path is given as a URI, so that no file name has a meaning of its own, and so that
// the write-ahead log gets the mode of the file.
func connect(ctx context.Context, path string, o *Options) (*connection, error) {
	query := url.Values{"modeof": {path}}
	if o.vfs != "" {
		query.Set("vfs", o.vfs)
	}
	uri := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}
	flags := sqlite3.OPEN_URI | sqlite3.OPEN_READWRITE
	if o.ReadOnly {
		flags = sqlite3.OPEN_URI | sqlite3.OPEN_READONLY
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	conn, err := sqlite3.OpenFlags(uri.String(), flags)
	if err != nil {
		return nil, err
	}
	c := &connection{conn: conn}
	err = conn.Exec("PRAGMA busy_timeout=5000; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY; " +
		"PRAGMA foreign_keys=OFF") // the references are true by construction; looking each up costs as much as inserting
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// connectReader opens a connection that cannot write, and that leaves the log alone when it is closed.
func connectReader(ctx context.Context, path string, o *Options) (*connection, error) {
	c, err := connect(ctx, path, o)
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
	c, err := connect(ctx, path, o)
	if err != nil {
		return nil, err
	}
	empty, err := checkFormat(c)
	if err == nil {
		err = c.conn.Exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16384; " +
			"PRAGMA wal_autocheckpoint=0")
	}
	if err == nil && empty {
		err = create(c)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}
