package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/orchestrix-go/orchestrix/bench"
)

//go:embed page.html drawing.html style.css
var files embed.FS

var document = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"style": func() (template.CSS, error) {
		css, err := files.ReadFile("style.css")
		return template.CSS(css), err //nolint:gosec // ours, not the report's
	},
}).ParseFS(files, "page.html", "drawing.html"))

// Write writes the report as one HTML page that needs nothing else. Every report gives a valid page: what is not a number
// is shown as missing, and what a name contains is shown as text. Nothing is written unless the whole page could be made;
// an error of w is returned as it is.
func Write(w io.Writer, report bench.Report) error {
	var whole bytes.Buffer
	if err := document.Execute(&whole, newView(clean(report))); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	_, err := w.Write(whole.Bytes())
	return err
}

// view is what the template shows of a report.
type view struct {
	Title    string
	Facts    []fact
	Sections []section
}

// fact is one line of small print at the head of the page.
type fact struct{ Name, Text string }

// section is what the template shows of a study.
type section struct {
	bench.Study
	ID       string
	Pictures []picture
	Traces   []picture
	Bars     []bar
	Table    table
}

// picture is one figure, drawn once for each width of screen that it has to suit.
type picture struct {
	Title    string
	Caption  string
	Ours     bool
	Drawings []drawing
	Notes    []string
}

func newView(r bench.Report) view {
	v := view{Title: conclusion(r), Facts: facts(r)}
	for i, study := range r.Studies {
		s := section{Study: study, ID: fmt.Sprintf("study-%d", i+1)}
		figures := newFigures(study)
		s.Pictures = append(s.Pictures, barPictures(s.ID+"-bars", study, figures)...)
		s.Pictures = append(s.Pictures, linePictures(s.ID+"-lines", study, figures)...)
		for t, trace := range study.Traces {
			s.Traces = append(s.Traces, tracePicture(fmt.Sprintf("%s-trace-%d", s.ID, t+1), trace))
		}
		for _, check := range study.Checks {
			s.Bars = append(s.Bars, newBar(check))
		}
		s.Table = newTable(study, figures)
		v.Sections = append(v.Sections, s)
	}
	return v
}

// conclusion says in one line how the checks came out.
func conclusion(r bench.Report) string {
	all, failed := 0, 0
	for _, study := range r.Studies {
		for _, check := range study.Checks {
			all++
			if !check.OK {
				failed++
			}
		}
	}
	switch {
	case all == 0:
		return "What was measured"
	case all == 1 && failed == 0:
		return "The one check holds"
	case all == 1:
		return "The one check does not hold"
	case failed == 0:
		return fmt.Sprintf("All %d checks hold", all)
	}
	return fmt.Sprintf("%d of %s hold", all-failed, count(all, "check"))
}

func facts(r bench.Report) []fact {
	m := r.Machine
	var machine []string
	if m.Cores > 0 {
		machine = append(machine, count(m.Cores, "core"))
	}
	if m.CPU != "" {
		machine = append(machine, m.CPU)
	}
	if m.MemoryGiB > 0 {
		machine = append(machine, fmt.Sprintf("%d GiB", m.MemoryGiB))
	}
	if m.OS != "" {
		machine = append(machine, m.OS)
	}
	all := []fact{{"Machine", strings.Join(machine, ", ")}, {"Go", m.Go}}
	if !r.Began.IsZero() {
		all = append(all, fact{"Measured", r.Began.UTC().Format(time.DateOnly + " 15:04 MST")})
	}
	all = append(all, fact{"Again with", r.Command})
	kept := all[:0]
	for _, f := range all {
		if f.Text != "" {
			kept = append(kept, f)
		}
	}
	return kept
}
