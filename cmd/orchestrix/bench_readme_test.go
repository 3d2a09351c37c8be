package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
)

func TestReadme(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	head, tail := "# Title\n\n"+readmeBegin+"\n", readmeEnd+"\n\nmore\n"
	require.NoError(t, os.WriteFile(path, []byte(head+"stale\nfigures\n"+tail), 0o640))
	for range 2 { // what is written can be written again
		c := benched(t.Context(), nil, tiny(), "--readme", path, "--runs", "1")
		require.Equal(t, 0, c.status, c.err)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		middle := strings.TrimSuffix(strings.TrimPrefix(string(text), head), tail)
		require.Equal(t, head+middle+tail, string(text), "nothing else is touched")
		require.Contains(t, middle, "| pipeline, commands/s | 1.00 M/s (1.00 M..1.00 M) Orchestrix | 2.00 M/s by hand | "+
			"✓ Orchestrix / by hand 0.5 (bar: ≥ 0.45) |\n")
		require.Contains(t, middle, "\nMeasured by `orchestrix bench --runs 1` on ")
		require.NotContains(t, middle, "stale")
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	c := benched(t.Context(), nil, []bench.Experiment{rate("seed", 1, 1)}, "--readme", path)
	require.Equal(t, exitBroken, c.status)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(after), "✗ Orchestrix / by hand", "figures that are below their bar are figures")
	require.NotEqual(t, text, after)
}

// Whatever the report says, the markers stay, and every row keeps its cells.
func TestReadmeOfHostileReport(t *testing.T) {
	text := "\n" + readmeBegin + "\n" + readmeEnd + "\n"
	report := hostile()
	report.Studies[1].Name = "pipeline"
	for range 2 {
		var err error
		text, err = betweenMarkers(text, readmeText(report))
		require.NoError(t, err)
	}
	require.Contains(t, text, "pipeline, ?[2J")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") {
			require.Equal(t, 5, strings.Count(line, "|")-strings.Count(line, `\|`), line)
		}
	}
}

func TestReadmeRows(t *testing.T) {
	s := bench.Study{
		Name: "scale", Unit: "commands/s", Axis: "aggregates", Rows: []bench.Row{
			{Name: "by hand 1", Line: "by hand", X: 1, Samples: []float64{5e6}},
			{Name: "1", Line: "decider", X: 1, Ours: true, Samples: []float64{3e6}},
			{Name: "handler 1", Line: "handler", X: 1, Ours: true, Samples: []float64{4e6}},
			{Name: "1000000", Line: "decider", X: 1e6, Ours: true, Samples: []float64{2.9e6}},
		},
	}
	require.Equal(t, "aggregates 1: 3.00 M/s, 1,000,000: 2.90 M/s", oursOf(s))
	require.Empty(t, baselinesOf(s), "a point of a line says nothing alone")
	s = bench.Study{Unit: "ms", Less: true, Rows: []bench.Row{
		{Name: "slow", Samples: []float64{554}},
		{Name: "unknown"},
		{Name: "middle", Samples: []float64{5}},
		{Name: "quick", Samples: []float64{1.09}},
	}}
	require.Equal(t, "1.09 ms quick; 554 ms slow", baselinesOf(s))
	require.Empty(t, oursOf(s))
	s.Rows = s.Rows[:2]
	require.Equal(t, "554 ms slow", baselinesOf(s))
	require.NotContains(t, readmeText(bench.Report{Studies: []bench.Study{s}, Began: time.Unix(0, 0)}), "554", "not one of those that are quoted")
}
