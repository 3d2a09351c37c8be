package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/orchestrix-go/orchestrix/bench"
)

// write prints a study as a short table.
func write(out io.Writer, s *bench.Study) error {
	if _, err := fmt.Fprintf(out, "%s: %s\n", s.Name, s.Finding); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  \t%s\tmin..max\t%s\n", s.Unit, strings.Join(s.Columns, "\t"))
	q := func(v float64) string { return bench.Quantity(v, s.Unit) }
	for _, r := range s.Rows {
		least, most := r.Spread()
		fmt.Fprintf(table, "  %s\t%s\t%s..%s", r.Name, q(r.Median()), q(least), q(most))
		for i, c := range r.Columns {
			fmt.Fprintf(table, "\t%s", bench.Quantity(c, s.Columns[i]))
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil { // the writes to the table fail here too
		return err
	}
	for _, c := range s.Checks {
		mark, bar := "✓", ">="
		if !c.OK {
			mark = "✗"
		}
		if c.AtMost {
			bar = "<="
		}
		fmt.Fprintf(out, "  %s %s: %.2f, %s %v\n", mark, c.Name, c.Value, bar, c.Bar)
	}
	_, err := fmt.Fprintln(out)
	return err
}
