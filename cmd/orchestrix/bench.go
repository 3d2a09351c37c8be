package main

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/bench"
)

func newBench(std streams) *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure", Args: cobra.NoArgs, RunE: needsCommand}
	cmd.AddCommand(newBenchSeed(std))
	return cmd
}

func newBenchSeed(std streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "100 messages with 5 handlers that wait 1 ms each: one after another, five workers, all at once",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := bench.Seed(cmd.Context())
			if err != nil && cmd.Context().Err() != nil {
				return interrupted("nothing is measured")
			}
			if err != nil {
				return &exitError{status: exitBroken, cause: err}
			}
			if asJSON {
				err = printJSON(std.out, r)
			} else {
				err = printSeed(std.out, r)
			}
			if err == nil && !r.OK {
				return &exitError{status: exitBroken}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object instead of the table")
	return cmd
}

func printSeed(w io.Writer, r bench.SeedResult) error {
	t := newTable()
	t.AppendHeader(table.Row{"way", "ms (median)", "times faster"})
	row := func(way string, ms float64) {
		t.AppendRow(table.Row{way, fmt.Sprintf("%.2f", ms), fmt.Sprintf("%.0f", r.SyncMS/ms)})
	}
	row("sync, one after another", r.SyncMS)
	row("pipeline, five workers", r.FiveWorkersMS)
	row("pipeline, all at once", r.AsyncMS)
	row("one wait: the limit", r.OneSleepMS)
	return printTable(w, t, "%d messages x %d handlers x %.0f ms, %d runs each in turn: at once is %.0f times faster than one after another",
		r.Messages, r.Handlers, r.HandlerMS, r.Runs, r.AsyncTimes)
}
