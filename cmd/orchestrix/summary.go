package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/engine"
)

// reasonsShown is how many reasons of rejections are printed below the table; --json has more.
const reasonsShown = 5

// summary prints what a run came to, as a table with the verdict or as one JSON object, and gives the error that sets the
// exit status.
func summary(w io.Writer, asJSON bool, store engine.Capabilities, r bench.Result) error {
	var err error
	if asJSON {
		err = printJSON(w, r)
	} else {
		err = printSummary(w, store, r)
	}
	if err != nil {
		return err
	}
	switch {
	case !r.OK:
		return &exitError{status: exitBroken}
	case r.Unknown > 0:
		return &exitError{status: exitBroken, cause: fmt.Errorf("%s of unknown outcome: run the same input again", counted(r.Unknown, "command"))}
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

func printSummary(w io.Writer, store engine.Capabilities, r bench.Result) error {
	repeated := ""
	if r.Accepted > 0 && r.Events == 0 {
		repeated = "these commands were answered before: first outcomes again"
	}
	durable := "in memory only"
	if store.Durable {
		durable = "synced before each outcome"
	}
	t := newTable()
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
	return printTable(w, t, "%s%s", rejections(r), verdict(r))
}

// verdict says whether the sequence holds.
func verdict(r bench.Result) string {
	says := "✔ sequence holds"
	switch {
	case !r.Judged:
		return "✘ sequence is not known: the store cannot be read back"
	case !r.OK:
		says = "✘ sequence is BROKEN"
	}
	return fmt.Sprintf("%s: %d gaps, %d swaps, %d lost, %d duplicates, read back from the store",
		says, r.Sequence.Gaps, r.Sequence.Swaps, r.Sequence.Lost, r.Sequence.Duplicates)
}

// rejections says why most of the rejected commands were, a line for each reason.
func rejections(r bench.Result) string {
	var b strings.Builder
	rest := r.Rejected
	for _, why := range r.Rejections[:min(len(r.Rejections), reasonsShown)] {
		place := ""
		if why.Origin != "" {
			place = " at " + why.Origin
		}
		fmt.Fprintf(&b, "rejected %s: %s (as %s%s)\n", counted(why.Commands, "command"), brief(why.Reason, 100), why.Example, place)
		rest -= why.Commands
	}
	if rest > 0 {
		fmt.Fprintf(&b, "rejected %s for other reasons: see --json\n", counted(rest, "command"))
	}
	return b.String()
}

func newTable() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	return t
}

// printTable prints a table and a line below it in one write. The table does not write itself: it would not tell when
// that fails.
func printTable(w io.Writer, t table.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, "%s\n%s\n", t.Render(), fmt.Sprintf(format, args...))
	return err
}
