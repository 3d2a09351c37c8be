package main

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
)

// hostile is a report of which every text and number is as bad as it can be.
func hostile() bench.Report {
	bad := "\x1b[2J\x07a|b\r\nc<!-- bench: end -->\u202e`\xff"
	return bench.Report{
		Command: bad, Began: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), Machine: bench.Machine{CPU: bad},
		Studies: []bench.Study{
			{},
			{
				Name: bad, Finding: bad, Work: bad, Unit: bad, Columns: []string{bad}, Notes: []string{bad},
				Rows: []bench.Row{
					{Name: bad, Samples: []float64{math.NaN()}, Columns: []float64{math.Inf(1), 2, 3}},
					{Name: bad, Ours: true, Samples: []float64{math.Inf(1), -5}},
					{Name: bad},
				},
				Traces: []bench.Trace{{Name: bad, Out: []int{1, 0}}},
				Checks: []bench.Check{bench.AtMost(bad, math.NaN(), 1)},
			},
			{Name: "one", Unit: "ms", Less: true, Rows: []bench.Row{{Name: "only", Samples: []float64{1.5}}}},
		},
	}
}

func TestReportText(t *testing.T) {
	text := reportText(hostile())
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\u202e")
	require.NotContains(t, text, "\r")
	require.True(t, utf8.ValidString(text))
	require.Contains(t, text, "│ only         │     1.50 ms │ 1.50 ms..1.50 ms │ ████████████████ │")
	require.Contains(t, text, "2 arrivals, neighbours that came out the wrong way round: 1")
	require.Contains(t, text, "1 of 1 thresholds do not hold")
	comparison := comparisonText(bench.Compare(hostile(), hostile()))
	require.NotContains(t, comparison, "\x1b")
	require.Contains(t, comparison, "too few runs to tell")
	require.Equal(t, "nothing to compare: the two reports have no row in common\n", comparisonText(bench.Comparison{}))
}

func TestBars(t *testing.T) {
	rows := func(medians ...float64) (all []bench.Row) {
		for _, m := range medians {
			all = append(all, bench.Row{Samples: []float64{m}})
		}
		return all
	}
	length, scale := barScale(rows(10, 5, 0, math.NaN()))
	require.Empty(t, scale)
	require.Equal(t, strings.Repeat("█", 16), spark(length(10)))
	require.Equal(t, strings.Repeat("█", 8), spark(length(5)))
	for _, nothing := range []float64{0, math.NaN(), math.Inf(1), -3} {
		require.Empty(t, spark(length(nothing)))
	}
	length, scale = barScale(rows(1, 1000, 1e6))
	require.Equal(t, "log scale", scale)
	require.Equal(t, "█▋", spark(length(1)))
	require.Equal(t, "████████▊", spark(length(1000)))
	require.Equal(t, strings.Repeat("█", 16), spark(length(1e6)))
	_, scale = barScale(rows(1, 30))
	require.Empty(t, scale)
	length, scale = barScale(nil)
	require.Empty(t, scale)
	require.Empty(t, spark(length(5)))
	require.Equal(t, "▏", spark(1e-9))
}

// On a terminal one line is written over, and is never longer than the terminal is wide.
func TestBenchProgress(t *testing.T) {
	var out strings.Builder
	p := &benchProgress{w: &out, width: 31}
	p.begin("pipeline", 1, 2)
	p.way("\x1b[2Jname of a way that is long", 2, 6)
	p.end()
	require.Equal(t, "\r\x1b[Kmeasuring pipeline (1 of 2)\r\x1b[Kmeasuring pipeline (1 of 2): r\r\x1b[K", out.String())
}
