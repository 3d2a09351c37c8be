package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Errors of this store besides engine's. With each of them nothing was stored.
var (
	// ErrLocked says that the file has a writer already, in this process or another.
	ErrLocked = errors.New("sqlite: the file has another writer")
	// ErrPoisoned says that an earlier commit failed, so that nothing is written any more until the file is opened again.
	// It matches engine.ErrClosed, for no later append can be stored either.
	ErrPoisoned error = shutError("sqlite: shut for writing since a commit failed: close the store and open it again")
	// ErrReadOnly says that the store was opened to read only. It matches engine.ErrClosed, as ErrPoisoned does.
	ErrReadOnly error = shutError("sqlite: opened read only")
)

// shutError is a store that will not store anything any more, and why.
type shutError string

// Error says why.
func (e shutError) Error() string { return string(e) }

// Is matches engine.ErrClosed, so that whoever appends stops instead of trying again.
func (shutError) Is(target error) bool { return target == engine.ErrClosed }

// explain gives an error of SQLite its class: the context's own error when that ended the query, ErrCorrupt when the
// file is damaged.
func explain(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, engine.ErrCorrupt):
		return err
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB), errors.Is(err, sqlite3.IOERR_DATA):
		return fmt.Errorf("sqlite: %s: %w: %w", doing, engine.ErrCorrupt, err)
	}
	return fmt.Errorf("sqlite: %s: %w", doing, err)
}

// corrupt reports stored data that breaks a rule of the format.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("sqlite: %w: %s", engine.ErrCorrupt, fmt.Sprintf(format, args...))
}

// fail answers every append of a call with the same error.
func fail(results []engine.Result, err error) []engine.Result {
	for i := range results {
		results[i] = engine.Result{Err: err}
	}
	return results
}
