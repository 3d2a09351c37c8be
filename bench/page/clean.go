package page

import (
	"slices"
	"strings"
	"unicode"

	"github.com/orchestrix-go/orchestrix/bench"
)

// clean gives a copy of the report whose texts can stand in a page. The template escapes what has a meaning in HTML; this
// takes out what no page may contain (control characters, broken UTF-8) and what turns the text around it (marks of
// writing direction).
func clean(r bench.Report) bench.Report {
	r.Command = text(r.Command)
	r.Machine.CPU, r.Machine.OS, r.Machine.Go = text(r.Machine.CPU), text(r.Machine.OS), text(r.Machine.Go)
	r.Studies = slices.Clone(r.Studies)
	for i, s := range r.Studies {
		s.Name, s.Finding, s.Work, s.Unit, s.Axis = text(s.Name), text(s.Finding), text(s.Work), text(s.Unit), text(s.Axis)
		s.Columns, s.Notes = texts(s.Columns), texts(s.Notes)
		s.Rows = slices.Clone(s.Rows)
		for k := range s.Rows {
			s.Rows[k].Name, s.Rows[k].Line = text(s.Rows[k].Name), text(s.Rows[k].Line)
		}
		s.Traces = slices.Clone(s.Traces)
		for k := range s.Traces {
			s.Traces[k].Name = text(s.Traces[k].Name)
		}
		s.Checks = slices.Clone(s.Checks)
		for k := range s.Checks {
			s.Checks[k].Name = text(s.Checks[k].Name)
		}
		r.Studies[i] = s
	}
	return r
}

func texts(all []string) []string {
	all = slices.Clone(all)
	for i := range all {
		all[i] = text(all[i])
	}
	return all
}

func text(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r&0xFFFE == 0xFFFE, r >= 0xFDD0 && r <= 0xFDEF, unicode.In(r, unicode.Cc, unicode.Bidi_Control):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}
