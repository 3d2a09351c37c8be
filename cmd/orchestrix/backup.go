package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

type backupFlags struct{ store, to string }

func newBackup(std streams) *cobra.Command {
	var f backupFlags
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Copy a store, as it is at one moment, into a new file",
		Long: `Copies a store, as it is at one moment, into a new file, and verifies the copy. The store may be in use by a run,
which goes on meanwhile. The copy gets its name when it is whole and synced; a file that is there is never replaced. As all
reading does, verifying leaves an empty COPY-wal and a COPY-shm beside the copy. It is whole without them.

Exit status: 0 the copy is whole; 1 the store or the copy is damaged, or the copying failed; 2 wrong usage.`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.backup(cmd.Context(), std.out) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.store, "store", defaultStore, "the `PATH` of the store")
	flags.StringVar(&f.to, "to", "", "the `PATH` of the copy, which must not be there")
	return cmd
}

func (f *backupFlags) backup(ctx context.Context, w io.Writer) error {
	if err := checkStoredPath(f.store); err != nil {
		return err
	}
	if f.to == "" {
		return usage("say where to: --to PATH")
	}
	err := sqlite.Backup(ctx, f.store, f.to)
	switch {
	case ctx.Err() != nil:
		return &exitError{status: exitInterrupted, cause: ctx.Err()}
	case errors.Is(err, fs.ErrExist):
		return usage("%s is there already: a backup replaces nothing", f.to)
	case err != nil:
		return &exitError{status: exitBroken, cause: err}
	}
	report, err := sqlite.Verify(ctx, f.to)
	if err == nil {
		err = report.Err()
	}
	switch {
	case ctx.Err() != nil:
		return &exitError{status: exitInterrupted, cause: ctx.Err()}
	case errors.Is(err, engine.ErrCorrupt):
		return &exitError{status: exitBroken, cause: fmt.Errorf("the copy %s is damaged as the store is: %w", f.to, err)}
	case err != nil:
		return &exitError{status: exitBroken, cause: err}
	}
	_, err = fmt.Fprintf(w, "copied and verified: %s (%s of %s)\n",
		f.to, counted(int(report.Events), "event"), counted(int(report.Streams), "aggregate"))
	return err
}

// checkStoredPath refuses what names no file that is there.
func checkStoredPath(path string) error {
	if path == memoryStore {
		return usage("--store memory: ends with the run that fills it; give the path of a file")
	}
	if err := checkStorePath(path); err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return usage("there is no store %s: run makes one", path)
	}
	return nil
}
