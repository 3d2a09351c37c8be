package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// backupPages is how many pages are copied between two looks at the context: 4 MiB.
const backupPages = 1024

// Backup copies a store into a new file, as it is at one moment. A writer may be at work: it is not held up, but its
// write-ahead log grows until the copy is done. The copy is made under a temporary name beside its own, synced and then
// renamed, so that a file of the name is a whole copy; a name that is there already is refused, matching fs.ErrExist.
// Pages that are damaged are refused; [Verify] looks at everything else.
func Backup(ctx context.Context, from, to string) error {
	options := Options{ReadOnly: true}
	err := options.validate(from)
	if to == "" {
		err = errors.Join(err, errors.New("sqlite: path of the copy is empty"))
	}
	if err == nil {
		err = backup(ctx, from, to, options)
	}
	return explain(ctx, "backup of "+from, err)
}

// Backup copies the store into a new file while it is in use. See [Backup].
func (s *Store) Backup(ctx context.Context, to string) error {
	if !s.enter() {
		return fmt.Errorf("sqlite: backup: %w", engine.ErrClosed)
	}
	defer s.calls.Done()
	return Backup(ctx, s.path, to)
}

func backup(ctx context.Context, from, to string, options Options) error {
	d := options.tuning.disk
	from, err := prepareFile(d, from, true)
	if err != nil {
		return err
	}
	for _, suffix := range []string{"", logSuffix, journalSuffix} { // a log of an older file would be taken for the copy's
		if _, err := os.Lstat(to + suffix); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, &fs.PathError{Op: "backup", Path: to + suffix, Err: fs.ErrExist})
		}
	}
	if _, err := checkLog(d, from); err != nil {
		return err
	}
	if err := d.makeDir(filepath.Dir(to)); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.partial") // for its owner only
	if err != nil {
		return err
	}
	partial := file.Name()
	err = file.Close()
	if err == nil {
		err = copyPages(ctx, from, partial, &options)
	}
	if err == nil {
		err = syncFile(partial)
	}
	if err == nil {
		err = publish(partial, to)
	}
	if err != nil {
		_ = os.Remove(partial)
		return err
	}
	return d.syncDir(filepath.Dir(to))
}

// copyPages copies the database at one moment into an empty file.
func copyPages(ctx context.Context, from, to string, options *Options) error {
	if err := prepareCopy(ctx, to); err != nil {
		return err
	}
	_, _ = options.tuning.disk.create(from + sharedSuffix)
	s := &Store{path: from, options: *options}
	r, err := s.openReader(ctx)
	if err != nil {
		return err
	}
	err = r.conn.Exec("BEGIN")
	if err == nil {
		_, err = r.one(r.last) // the transaction, and with it the moment, begins here
	}
	if err == nil {
		err = copyAll(ctx, r.conn, to)
	}
	return errors.Join(err, r.close())
}

func copyAll(ctx context.Context, source *sqlite3.Conn, to string) error {
	b, err := source.BackupInit("main", fileURI(to, nil))
	if err != nil {
		return err
	}
	for done := false; !done && err == nil; {
		if err = ctx.Err(); err == nil {
			done, err = b.Step(backupPages)
		}
	}
	return errors.Join(err, b.Close())
}

// prepareCopy gives an empty file the header of a database whose pages have checksums: SQLite then computes those of
// every page that is copied into it.
func prepareCopy(ctx context.Context, to string) error {
	options := Options{}
	if err := options.validate(to); err != nil {
		return err
	}
	c, err := connect(ctx, to, "", &options)
	if err != nil {
		return err
	}
	_, err = c.conn.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES, pageReserve)
	if err == nil {
		err = c.conn.Exec(fmt.Sprintf("PRAGMA page_size=%d; PRAGMA user_version=1", pageSize))
	}
	return errors.Join(err, c.close())
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// publish gives a file its name, unless that has been taken meanwhile: a link does not replace, as a rename would.
func publish(partial, name string) error {
	err := os.Link(partial, name)
	switch {
	case err == nil:
		return os.Remove(partial)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	return os.Rename(partial, name) // a file system without links
}
