package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orchestrix-go/orchestrix/bench"
)

// What stands between these two lines of a README is written by bench --readme.
const (
	readmeBegin = "<!-- bench: begin -->"
	readmeEnd   = "<!-- bench: end -->"
)

// quoted are the studies of which the README has a row. All of them are in the page.
var quoted = []string{
	"pipeline", "peers", "fanout", "seed", "latency-closed", "durable-ways", "replay", "load",
	"scale-aggregates", "scale-window", "scale-handlers", "scale-workers", "scale-idle",
}

// checkReadme tells before the measuring whether rewriteReadme will know what to do.
func checkReadme(path string) error {
	text, err := os.ReadFile(path)
	if err == nil {
		_, err = betweenMarkers(string(text), "")
	}
	if err == nil {
		err = checkFolder(filepath.Dir(path))
	}
	return err
}

func rewriteReadme(path string, report bench.Report) error {
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after, err := betweenMarkers(string(before), readmeText(report))
	if err != nil {
		return err
	}
	return replaceFile(path, func(w io.Writer) error {
		_, err := io.WriteString(w, after)
		return err
	})
}

// betweenMarkers replaces what stands between the markers, each of which is a line of its own and is there once.
func betweenMarkers(text, content string) (string, error) {
	head, rest, begins := strings.Cut(text, "\n"+readmeBegin+"\n")
	_, tail, ends := strings.Cut("\n"+rest, "\n"+readmeEnd+"\n")
	if !begins || !ends || strings.Count(text, readmeBegin) != 1 || strings.Count(text, readmeEnd) != 1 {
		return "", errors.New("it needs the lines " + readmeBegin + " and " + readmeEnd + ", once each, in this sequence")
	}
	return head + "\n" + readmeBegin + "\n" + content + readmeEnd + "\n" + tail, nil
}

// readmeText is the report in a few lines of Markdown: one row for each study that is quoted.
func readmeText(r bench.Report) string {
	var b strings.Builder
	b.WriteString("| study, unit | ours (min..max) | best and last of the baselines | thresholds |\n|---|---|---|---|\n")
	for _, name := range quoted {
		s, measured := r.Study(name)
		if !measured {
			continue
		}
		var checks []string
		for _, c := range s.Checks {
			mark := "✗"
			if c.OK {
				mark = "✓"
			}
			checks = append(checks, fmt.Sprintf("%s %s %s", mark, c.Name, c.Figure()))
		}
		fmt.Fprintf(&b, "| %s, %s | %s | %s | %s |\n",
			cell(s.Name), cell(s.Unit), cell(oursOf(s)), cell(baselinesOf(s)), cell(strings.Join(checks, "; ")))
	}
	fmt.Fprintf(&b, "\nMeasured by `%s` on %s, %s.\n", cell(r.Command), cell(r.Machine.String()), r.Began.Format(time.DateOnly))
	return b.String()
}

// oursOf is the first row of ours, which is the one that counts, or all points of its line.
func oursOf(s bench.Study) string {
	var points []string
	line := ""
	for _, r := range s.Rows {
		switch {
		case !r.Ours || len(points) > 0 && (line == "" || r.Line != line):
			continue
		case r.Line == "":
			return fmt.Sprintf("%s (%s) %s", bench.Quantity(r.Median(), s.Unit), spread(r, s.Unit), r.Name)
		}
		line = r.Line
		points = append(points, fmt.Sprintf("%s: %s", count(int(r.X)), bench.Quantity(r.Median(), s.Unit)))
	}
	return strings.TrimSpace(s.Axis + " " + strings.Join(points, ", "))
}

// baselinesOf is the best and the last of what is not ours, unless these are points of a line.
func baselinesOf(s bench.Study) string {
	rows := slices.DeleteFunc(slices.Clone(s.Rows), func(r bench.Row) bool {
		return r.Ours || r.Line != "" || math.IsNaN(r.Median())
	})
	if len(rows) == 0 {
		return ""
	}
	slices.SortStableFunc(rows, func(a, b bench.Row) int { return cmp.Compare(a.Median(), b.Median()) })
	if !s.Less {
		slices.Reverse(rows)
	}
	says := func(r bench.Row) string { return bench.Quantity(r.Median(), s.Unit) + " " + r.Name }
	if len(rows) == 1 {
		return says(rows[0])
	}
	return says(rows[0]) + "; " + says(rows[len(rows)-1])
}

// cell makes text of any kind one cell of a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "'").Replace(printable(s))
}
