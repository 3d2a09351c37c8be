package main

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/orchestrix-go/orchestrix/bench"
)

const (
	sparkCells = 16
	logFrom    = 30 // times the smallest: from there on a linear bar shows nothing but the largest
)

// reportText is the report for a person: each study under its finding, what holds, and in the end what all of it says.
func reportText(r bench.Report) string {
	var b strings.Builder
	for _, s := range r.Studies {
		fmt.Fprintf(&b, "%s\n\n", studyText(s))
	}
	fmt.Fprintf(&b, "%s\n%s\n", printable(r.Machine.String()), printable(r.Conclusion()))
	return b.String()
}

func studyText(s bench.Study) string {
	finding := s.Finding
	if finding == "" {
		finding = "no finding"
	}
	parts := []string{printable(s.Name + ": " + finding)}
	if s.Work != "" {
		parts = append(parts, printable("work: "+s.Work))
	}
	if len(s.Rows) > 0 {
		parts = append(parts, studyTable(s))
	}
	for _, t := range s.Traces {
		parts = append(parts, printable(fmt.Sprintf("%s: %s arrivals, neighbours that came out the wrong way round: %s",
			t.Name, count(len(t.Out)), count(t.Swaps()))))
	}
	for _, note := range s.Notes {
		parts = append(parts, printable("note: "+note))
	}
	for _, c := range s.Checks {
		mark := "✗"
		if c.OK {
			mark = "✓"
		}
		parts = append(parts, printable(fmt.Sprintf("%s %s: %s", mark, c.Name, c.Figure())))
	}
	return strings.Join(parts, "\n")
}

func studyTable(s bench.Study) string {
	length, scale := barScale(s.Rows)
	t := newTable()
	header := table.Row{"way (* ours)", printable("median (" + s.Unit + ")"), "min..max", scale}
	right := []int{2, 3}
	for _, name := range s.Columns {
		header = append(header, printable(name))
		right = append(right, len(header))
	}
	t.AppendHeader(header)
	for _, r := range s.Rows {
		name := printable(r.Name)
		if r.Ours {
			name = "* " + name
		}
		row := table.Row{name, bench.Quantity(r.Median(), s.Unit), spread(r, s.Unit), spark(length(r.Median()))}
		for _, v := range r.Columns {
			row = append(row, bench.Quantity(v, ""))
		}
		t.AppendRow(row)
	}
	alignRight(t, right)
	return t.Render()
}

// spread is the smallest and the largest sample. That a rate is one for a second is said beside it.
func spread(r bench.Row, unit string) string {
	least, most := r.Spread()
	short := func(v float64) string { return strings.TrimSpace(strings.TrimSuffix(bench.Quantity(v, unit), "/s")) }
	return short(least) + ".." + short(most)
}

func alignRight(t table.Writer, columns []int) {
	t.Style().Format.Header = text.FormatDefault // units are not written in capitals
	var configs []table.ColumnConfig
	for _, n := range columns {
		configs = append(configs, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
}

// barScale gives the length of a bar for a figure, from 0 to 1, and what its column is called. The scale is logarithmic
// when a linear one would show the small figures as nothing, and then the smallest has a bar of a tenth.
func barScale(rows []bench.Row) (length func(float64) float64, header string) {
	least, most := math.Inf(1), 0.0
	for _, r := range rows {
		if m := r.Median(); m > 0 && !math.IsInf(m, 0) {
			least, most = min(least, m), max(most, m)
		}
	}
	drawn := func(v float64) bool { return v > 0 && v <= most }
	if most/least > logFrom { // not when there is nothing to draw: then it is 0
		return func(v float64) float64 {
			if !drawn(v) {
				return 0
			}
			return 0.1 + 0.9*math.Log(v/least)/math.Log(most/least)
		}, "log scale"
	}
	return func(v float64) float64 {
		if !drawn(v) {
			return 0
		}
		return v / most
	}, ""
}

// spark draws a bar of this length, in eighths of a cell; what is not nothing has one.
func spark(length float64) string {
	if length <= 0 {
		return ""
	}
	eighths := max(1, int(math.Round(length*sparkCells*8)))
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return bar
}

// comparisonText is what changed since an older report.
func comparisonText(c bench.Comparison) string {
	var b strings.Builder
	for _, w := range c.Warnings {
		fmt.Fprintln(&b, printable("warning: "+w))
	}
	if len(c.Changes) > 0 {
		t := newTable()
		t.AppendHeader(table.Row{"study", "way (* ours)", "then", "now", "change", "p, corrected", "verdict"})
		for _, change := range c.Changes {
			name := printable(change.Name)
			if change.Ours {
				name = "* " + name
			}
			t.AppendRow(table.Row{
				printable(change.Study), name, bench.Quantity(change.Old, change.Unit), bench.Quantity(change.New, change.Unit),
				percent(change.Percent()), fmt.Sprintf("%.3f", change.P), change.Verdict,
			})
		}
		alignRight(t, []int{3, 4, 5, 6})
		fmt.Fprintln(&b, t.Render())
	}
	fmt.Fprintln(&b, printable(c.Conclusion()))
	return b.String()
}

func percent(p float64) string {
	if math.IsNaN(p) || math.IsInf(p, 0) {
		return "-"
	}
	return fmt.Sprintf("%+.1f %%", p)
}

// printable takes out what a terminal would obey: a name may come from a file.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
