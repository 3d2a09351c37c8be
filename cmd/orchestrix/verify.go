package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

type verifyFlags struct {
	store string
	json  bool
}

func newVerify(std streams) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check a whole store: every checksum, every index, every version",
		Long: `Checks a whole store and prints a verdict: the checksum of every page and of every row, SQLite's own structure,
that versions and positions have no gap, and that the tables of commands, streams and snapshots agree with the events.
Dead letters are read whole.
Nothing is changed. The store may be in use by a run; it is seen as it was at one moment. The files that end
with -wal and -shm are SQLite's: reading leaves them beside a store, and the next run removes them.

Exit status: 0 the store is whole; 1 it is damaged, the first places are named; 2 wrong usage or unreadable store.`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.verify(cmd.Context(), std.out) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.store, "store", defaultStore, "the `PATH` of the store")
	flags.BoolVar(&f.json, "json", false, "print the report as one JSON object")
	return cmd
}

func (f *verifyFlags) verify(ctx context.Context, w io.Writer) error {
	if err := checkStoredPath(f.store); err != nil {
		return err
	}
	report, err := sqlite.Verify(ctx, f.store)
	switch {
	case ctx.Err() != nil:
		return &exitError{status: exitInterrupted, cause: ctx.Err()}
	case errors.Is(err, engine.ErrCorrupt): // so damaged that nothing could be read
		report.FaultsAll++
		report.Faults = append(report.Faults, err.Error())
	case err != nil:
		return usage("cannot verify the store: %w", err)
	}
	if f.json {
		err = json.NewEncoder(w).Encode(report)
	} else {
		err = printVerdict(w, f.store, &report)
	}
	if err != nil {
		return err
	}
	if report.Err() != nil {
		return &exitError{status: exitBroken}
	}
	return nil
}

func printVerdict(w io.Writer, path string, report *sqlite.VerifyReport) error {
	n := func(n int64, noun string) string { return counted(int(n), noun) }
	seen := fmt.Sprintf("%s of %s, %s, %s, %s, %s", n(report.Events, "event"), n(report.Streams, "aggregate"),
		n(report.Commands, "command"), n(report.Snapshots, "snapshot"), n(report.Letters, "dead letter"), n(report.Pages, "page"))
	if report.Err() == nil {
		_, err := fmt.Fprintf(w, "whole: %s (%s)\n", path, seen)
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "DAMAGED: %s has %s (what can be read: %s)\n", path, n(report.FaultsAll, "fault"), seen)
	for rest := report.Faults; len(rest) > 0; {
		same := 1
		for same < len(rest) && rest[same] == rest[0] {
			same++
		}
		fmt.Fprintf(&b, "  %s", rest[0])
		if same > 1 {
			fmt.Fprintf(&b, " (%d times)", same)
		}
		b.WriteByte('\n')
		rest = rest[same:]
	}
	if rest := report.FaultsAll - int64(len(report.Faults)); rest > 0 {
		fmt.Fprintf(&b, "  and %d more\n", rest)
	}
	b.WriteString("go on with a backup: orchestrix backup makes them\n")
	_, err := io.WriteString(w, b.String())
	return err
}
