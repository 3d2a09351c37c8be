package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sources"
)

// lettersShown is how many letters the table has; --json gives all.
const lettersShown = 1000

// lettersColumns make the table fit into 120 columns: what is longer goes on in the next line.
var lettersColumns = []table.ColumnConfig{
	{Name: "aggregate", WidthMax: 18}, {Name: "type", WidthMax: 16}, {Name: "reason", WidthMax: 27, WidthMaxEnforcer: text.WrapSoft},
}

type lettersListFlags struct {
	selection
	json bool
}

func newLettersList(std streams) *cobra.Command {
	var f lettersListFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters, in the sequence in which they were kept",
		Long: `Lists dead letters, in the sequence in which they were kept, as a table or as JSON lines. The table is brief: show and
--json have all that is known of a letter. The store may be in use by a run.`,
		Example: `  orchestrix letters list --store orders.db
  orchestrix letters list --store orders.db --reason "no answer" --json`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.list(cmd.Context(), std.out) },
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print each letter as one JSON object, whole")
	return cmd
}

func (f *lettersListFlags) list(ctx context.Context, w io.Writer) error {
	filter, err := f.filter(nil)
	if err != nil {
		return err
	}
	store, err := openLetters(ctx, f.store, nil)
	if err != nil {
		return err
	}
	defer store.Close()
	if f.json {
		err = writeLetters(ctx, w, store, filter)
	} else {
		err = f.table(ctx, w, store, filter)
	}
	if ctx.Err() != nil {
		return interrupted("there may be more dead letters")
	}
	return err
}

func (f *lettersListFlags) table(ctx context.Context, w io.Writer, store engine.DeadLetterStore, filter sources.LetterFilter) error {
	t := newTable()
	t.SetColumnConfigs(lettersColumns)
	t.AppendHeader(table.Row{"dead letter", "state", "aggregate", "type", "reason"})
	n := 0
	for letter, err := range store.DeadLetters(ctx, 0) {
		if err != nil {
			return &exitError{status: exitBroken, cause: err}
		}
		if !filter.Fits(&letter) {
			continue
		}
		if n++; n > lettersShown {
			continue
		}
		cmd := letter.Command
		typ, aggregate := cmd.Type, cmd.Subject
		if cmd.Defect != nil {
			typ, aggregate = "(unreadable)", cmd.Origin
		}
		t.AppendRow(table.Row{letter.ID, letter.State, brief(aggregate, 36), brief(typ, 32), brief(reasonOf(&letter), 81)})
	}
	all, parked := store.CountDeadLetters()
	switch {
	case all == 0:
		_, err := fmt.Fprintf(w, "no dead letters in %s\n", f.store)
		return err
	case n == 0:
		_, err := fmt.Fprintf(w, "none of %s in %s fits\n", counted(all, "dead letter"), f.store)
		return err
	}
	says := fmt.Sprintf("%s of %s, %s parked; to see one whole: orchestrix letters show ID --store %s",
		count(n), counted(all, "dead letter"), counted(parked, "aggregate"), f.store)
	if n > lettersShown {
		says = fmt.Sprintf("the first %s of %s", count(lettersShown), says)
	}
	return printTable(w, t, "%s", says)
}

// writeLetters prints letters as JSON lines.
func writeLetters(ctx context.Context, w io.Writer, store engine.DeadLetterStore, filter sources.LetterFilter) error {
	lines := sinks.JSONLines(w, nil)
	var failed error
	for letter, err := range store.DeadLetters(ctx, 0) {
		if err != nil {
			failed = &exitError{status: exitBroken, cause: err}
			break
		}
		if !filter.Fits(&letter) {
			continue
		}
		lines.In() <- &letter
		if lines.Err() != nil {
			break
		}
	}
	close(lines.In())
	lines.AwaitCompletion()
	if failed != nil {
		return failed
	}
	return lines.Err()
}

// brief makes one short line of a text.
func brief(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// timeOf writes a time for a person; none is empty.
func timeOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
