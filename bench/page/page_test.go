package page

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/orchestrix-go/orchestrix/bench"
)

// peers is a study like those that are measured: far apart, ours in the middle.
func peers() bench.Study {
	return bench.Study{
		Name: "peers", Finding: "Ours does half of what is possible", Work: "200,000 commands", Unit: "commands/s",
		Columns: []string{"allocations/command"},
		Rows: []bench.Row{
			{Name: "slow", Samples: []float64{34e3, 35e3, 36e3}, Columns: []float64{160}},
			{Name: "ours", Ours: true, Samples: []float64{2.5e6, 2.6e6, 2.7e6}, Columns: []float64{3}},
			{Name: "by hand", Samples: []float64{5.2e6, 5.1e6, 5.3e6}, Columns: []float64{1}},
		},
		Checks: []bench.Check{bench.AtLeast("ours / by hand", 0.5, 0.45), bench.AtMost("allocations", 5, 4)},
		Notes:  []string{"By hand is the limit."},
	}
}

func one(s bench.Study) bench.Report { return bench.Report{Studies: []bench.Study{s}} }

func TestPageSaysWhatTheReportSays(t *testing.T) {
	page := written(t, bench.Report{
		Command: "orchestrix bench", Began: time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC),
		Machine: bench.Machine{Cores: 2, CPU: "a fast one", MemoryGiB: 8, OS: "linux", Go: "go1.26"},
		Studies: []bench.Study{peers()},
	})
	require.Equal(t, []string{"1 of 2 checks hold"}, allWords(page.all("h1")))
	require.Equal(t, []string{"2 cores, a fast one, 8 GiB, linux", "go1.26", "2026-11-24 09:30 UTC", "orchestrix bench"},
		allWords(page.all("dd")))
	article := page.all("article")[0]
	require.Equal(t, "Ours does half of what is possible", article.all("h2")[0].words())
	require.Contains(t, article.words(), "By hand is the limit.")
	require.Equal(t, []string{
		"slow", "35,000", "34,000", "36,000", "3", "160", "0.0135",
		"ours", "2,600,000", "2,500,000", "2,700,000", "3", "3", "1",
		"by hand", "5,200,000", "5,100,000", "5,300,000", "3", "1", "2",
	}, cells(article.all("table", "numbers")[0]))
	require.Equal(t, []string{
		"✓holds", "ours / by hand", "0.5", "", "at least 0.45",
		"✗does not hold", "allocations", "5", "", "at most 4",
	}, cells(article.all("table", "checks")[0]))
}

// cells gives the words of a table below its head.
func cells(table *node) []string {
	var all []string
	for _, row := range table.all("tbody")[0].all("tr") {
		for _, kid := range row.kids {
			if kid.name != "" {
				all = append(all, strings.ReplaceAll(kid.words(), "\n", ""))
			}
		}
	}
	return all
}

func TestConclusion(t *testing.T) {
	for want, oks := range map[string][]bool{
		"What was measured": {}, "The one check holds": {true}, "The one check does not hold": {false},
		"All 2 checks hold": {true, true}, "0 of 2 checks hold": {false, false},
	} {
		var s bench.Study
		for _, ok := range oks {
			s.Checks = append(s.Checks, bench.Check{OK: ok})
		}
		require.Equal(t, want, conclusion(one(s)))
	}
}

func TestPageStandsAlone(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Write(&out, one(peers())))
	for _, outside := range []string{"http:", "https:", "//", "url(", "@import", "<script", "ZgotmplZ"} {
		require.NotContains(t, out.String(), outside)
	}
	require.Contains(t, out.String(), "prefers-color-scheme: dark")
	require.Contains(t, out.String(), "@media print")
}

const hostile = "</title></svg><script>alert(1)</script>\" onload='x' ]]> --> {{.}} \x00\x1b\u202e\uffff\xff"

func TestNamesAreTexts(t *testing.T) {
	row := bench.Row{Name: hostile, Samples: []float64{1, 2}, Columns: []float64{1}}
	point := row
	point.Line = hostile
	page := written(t, bench.Report{
		Command: hostile, Machine: bench.Machine{CPU: hostile, OS: hostile, Go: hostile},
		Studies: []bench.Study{{
			Name: hostile, Finding: hostile, Work: hostile, Unit: hostile, Axis: hostile, Columns: []string{hostile},
			Rows: []bench.Row{row, point}, Traces: []bench.Trace{{Name: hostile, Out: []int{0, 1}}},
			Checks: []bench.Check{{Name: hostile}}, Notes: []string{hostile},
		}},
	})
	require.Equal(t, "</title></svg><script>alert(1)</script>\" onload='x' ]]> --> {{.}} \uFFFD",
		page.all("article")[0].all("h2")[0].words())
}

func TestReportsWithLittleInThem(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, s := range map[string]bench.Study{
		"nothing":       {},
		"no samples":    {Rows: []bench.Row{{Name: "a"}, {Line: "b"}}},
		"not numbers":   {Rows: []bench.Row{{Samples: []float64{nan, inf, -inf}, Columns: []float64{nan, inf}}}},
		"X is none":     {Rows: []bench.Row{{Line: "b", X: nan, Samples: []float64{1}}}},
		"zero":          {Rows: []bench.Row{{Samples: []float64{0}}, {Line: "b", Samples: []float64{0}}}},
		"one row":       {Rows: []bench.Row{{Name: "a", Samples: []float64{1}}}},
		"below zero":    {Rows: []bench.Row{{Samples: []float64{-5, -3}}, {Samples: []float64{4}}}},
		"huge and tiny": {Rows: []bench.Row{{Samples: []float64{1e300}}, {Samples: []float64{5e-324}}, {Samples: []float64{-1e300}}}},
		"checks":        {Checks: []bench.Check{bench.AtLeast("a", nan, 1), bench.AtMost("b", 0, 0), bench.AtMost("c", -1, inf)}},
		"traces":        {Traces: []bench.Trace{{}, {Out: []int{7}}, {Out: []int{math.MinInt, math.MaxInt}}}},
	} {
		t.Run(name, func(t *testing.T) { written(t, one(s)) })
	}
	require.Contains(t, written(t, bench.Report{}).words(), "This report has no studies.")
}

func TestManyRows(t *testing.T) {
	var s bench.Study
	for i := range 50 {
		s.Rows = append(s.Rows,
			bench.Row{Name: strings.Repeat("long ", 30), Samples: []float64{math.Pow(1.5, float64(i))}},
			bench.Row{Name: "p", Line: fmt.Sprint("line ", i), X: 1, Samples: []float64{float64(i)}})
	}
	page := written(t, one(s))
	require.Len(t, page.all("svg", "wide")[0].all("path", "bar"), 50)
	require.Len(t, page.all("svg", "wide")[1].all("text", "label"), 50)
	require.Len(t, page.all("table", "numbers")[0].all("tr"), 101)
}

func TestErrorOfTheWriter(t *testing.T) {
	full := errors.New("disk full")
	require.ErrorIs(t, Write(broken{full}, one(peers())), full)
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestEveryReportGivesAPage(t *testing.T) {
	value := rapid.OneOf(rapid.Float64(), rapid.Float64Range(1, 1000), rapid.SampledFrom([]float64{
		0, 1, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 1e300, math.SmallestNonzeroFloat64,
	}))
	row := rapid.Custom(func(t *rapid.T) bench.Row {
		return bench.Row{
			Name: rapid.String().Draw(t, "name"), Line: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "line"),
			X: value.Draw(t, "x"), Ours: rapid.Bool().Draw(t, "ours"),
			Samples: rapid.SliceOfN(value, 0, 4).Draw(t, "samples"), Columns: rapid.SliceOfN(value, 0, 3).Draw(t, "columns"),
		}
	})
	check := rapid.Custom(func(t *rapid.T) bench.Check {
		return bench.Check{
			Name: rapid.String().Draw(t, "name"), Value: value.Draw(t, "value"), Bar: value.Draw(t, "bar"),
			AtMost: rapid.Bool().Draw(t, "at most"), OK: rapid.Bool().Draw(t, "ok"),
		}
	})
	trace := rapid.Custom(func(t *rapid.T) bench.Trace {
		return bench.Trace{Name: rapid.String().Draw(t, "name"), Out: rapid.SliceOfN(rapid.Int(), 0, 9).Draw(t, "out")}
	})
	study := rapid.Custom(func(t *rapid.T) bench.Study {
		return bench.Study{
			Name: rapid.String().Draw(t, "name"), Finding: rapid.String().Draw(t, "finding"), Unit: rapid.String().Draw(t, "unit"),
			Axis: rapid.SampledFrom([]string{"", "in flight", "percentile"}).Draw(t, "axis"), Less: rapid.Bool().Draw(t, "less"),
			Columns: rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "columns"), Rows: rapid.SliceOfN(row, 0, 9).Draw(t, "rows"),
			Traces: rapid.SliceOfN(trace, 0, 2).Draw(t, "traces"), Checks: rapid.SliceOfN(check, 0, 3).Draw(t, "checks"),
			Notes: rapid.SliceOfN(rapid.String(), 0, 2).Draw(t, "notes"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		written(t, bench.Report{Command: rapid.String().Draw(t, "command"), Studies: rapid.SliceOfN(study, 0, 3).Draw(t, "studies")})
	})
}
