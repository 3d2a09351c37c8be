package main

import (
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/engine"
)

// summary prints what a run came to, as a table with the verdict or as one JSON object, and gives the error that sets the
// exit status.
func summary(w io.Writer, asJSON bool, store engine.Capabilities, r bench.Result) error {
	if asJSON {
		if err := printJSON(w, r); err != nil {
			return err
		}
	} else {
		printSummary(w, store, r)
	}
	switch {
	case !r.OK:
		return &exitError{status: exitBroken}
	case r.DeadLettered > 0:
		return &exitError{status: exitDeadLetters}
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	out, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", out)
	}
	return err
}

func printSummary(w io.Writer, store engine.Capabilities, r bench.Result) {
	repeated := ""
	if r.Accepted > 0 && r.Events == 0 {
		repeated = "these commands were answered before: first outcomes again"
	}
	durable := "in memory only"
	if store.Durable {
		durable = "synced before each outcome"
	}
	t := newTable(w)
	t.AppendRows([]table.Row{
		{"commands", count(r.Commands), fmt.Sprintf("%.2f s, %s/s", r.Seconds, count(int(r.CommandsPerSecond)))},
		{"accepted", count(r.Accepted), repeated},
		{"rejected", count(r.Rejected), ""},
		{"dead-lettered", count(r.DeadLettered), ""},
		{"unknown", count(r.Unknown), ""},
		{"events appended", count(r.Events), fmt.Sprintf("%s, %s", store.Name, durable)},
		{"aggregates", count(r.Aggregates), ""},
		{"latency p50 / p99 / p99.9", "", fmt.Sprintf("%.2f / %.2f / %.2f ms", r.LatencyMS.P50, r.LatencyMS.P99, r.LatencyMS.P999)},
	})
	t.Render()
	mark, word := "✔", "holds"
	if !r.OK {
		mark, word = "✘", "is BROKEN"
	}
	fmt.Fprintf(w, "%s sequence %s: %d gaps, %d swaps, %d lost, %d duplicates, read back from the store\n",
		mark, word, r.Sequence.Gaps, r.Sequence.Swaps, r.Sequence.Lost, r.Sequence.Duplicates)
}

func newTable(w io.Writer) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	return t
}
