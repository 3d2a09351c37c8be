package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
)

// benched runs the command on made-up experiments: what it does with its figures is the same for all.
func benched(ctx context.Context, out io.Writer, experiments []bench.Experiment, args ...string) call {
	var text, errs bytes.Buffer
	if out == nil {
		out = &text
	}
	cmd := newBenchOf(streams{strings.NewReader(""), out, &errs}, experiments)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	status := 0
	if err != nil {
		status = exitUsage // cobra's
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		status = exit.status
	}
	if err != nil {
		errs.WriteString(err.Error())
	}
	return call{status, text.String(), errs.String()}
}

// rate is an experiment that measures nothing: every run gives its figure, which is held against a bar.
func rate(name string, figure, bar float64) bench.Experiment {
	run := func(ctx context.Context, effort bench.Effort) ([]bench.Study, error) {
		way := func(figure float64) func(context.Context) (bench.Sample, error) {
			return func(context.Context) (bench.Sample, error) {
				return bench.Sample{Value: figure, Columns: []float64{3}}, nil
			}
		}
		rows, err := bench.Measure(ctx, effort.Runs, []bench.Way{
			{Name: "Orchestrix", Ours: true, Run: way(figure)},
			{Name: "by hand", Run: way(2e6)},
		})
		s := bench.Study{
			Name: name, Finding: name + " is measured", Work: "nothing", Unit: "commands/s", Columns: []string{"allocations/command"}, Rows: rows,
		}
		s.Checks = []bench.Check{bench.AtLeast("Orchestrix / by hand", s.Ratio("Orchestrix", "by hand"), bar)}
		return []bench.Study{s}, err
	}
	return bench.Experiment{Name: name, Short: "made up", Run: run}
}

func tiny() []bench.Experiment {
	return []bench.Experiment{rate("seed", 3e6, 0.45), rate("pipeline", 1e6, 0.45)}
}

func TestBenchTables(t *testing.T) {
	c := benched(t.Context(), nil, tiny())
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.err, "measuring seed (1 of 2)\nmeasuring pipeline (2 of 2)\n")
	require.Contains(t, c.err, "peers: SKIPPED, there is no module bench/peers")
	for _, part := range []string{
		"seed: seed is measured\nwork: nothing\n", "│ * Orchestrix │            3.00 M/s │ 3.00 M..3.00 M │ ████████████████ │                   3 │",
		"│ by hand      │            2.00 M/s │ 2.00 M..2.00 M │ ██████████▋      │ ", "✓ Orchestrix / by hand: 1.5 (bar: ≥ 0.45)",
	} {
		require.Contains(t, c.out, part)
	}
	require.True(t, strings.HasSuffix(c.out,
		"\nOrchestrix does 1.00 M commands/s: 0.5 of by hand; every one of 2 thresholds holds.\n"), c.out)
	require.NotContains(t, c.out+c.err, "\x1b", "no colour, no line written over: this is no terminal")
}

func TestBenchNames(t *testing.T) {
	c := benched(t.Context(), nil, tiny(), "pipeline", "--runs", "2")
	require.Equal(t, 0, c.status, c.err)
	require.NotContains(t, c.out, "seed is measured")
	require.NotContains(t, c.err, "peers", "nobody asked for them")
	c = benched(t.Context(), nil, tiny(), "pipeline", "seed", "pipeline", "--json")
	require.Equal(t, "orchestrix bench pipeline seed pipeline", c.report(t).Command)
	require.Len(t, c.report(t).Studies, 2, "each once, in the sequence of the list")
}

// report reads what --json prints: one object and nothing else.
func (c call) report(t *testing.T) bench.Report {
	t.Helper()
	r, err := bench.ReadReport(strings.NewReader(c.out))
	require.NoError(t, err, c.out)
	return r
}

func TestBenchJSON(t *testing.T) {
	c := benched(t.Context(), nil, tiny(), "--json", "--quick", "--runs", "3")
	require.Equal(t, 0, c.status, c.err)
	r := c.report(t)
	require.Equal(t, "orchestrix bench --quick --runs 3", r.Command)
	require.Positive(t, r.Machine.Cores)
	require.False(t, r.Began.IsZero())
	require.Equal(t, []float64{3e6, 3e6, 3e6}, r.Studies[0].Rows[0].Samples)
	require.Equal(t, 1, strings.Count(c.out, "\n"))

	c = benched(t.Context(), nil, []bench.Experiment{rate("seed", 1, 0.45)}, "--json", "--quick", "--peers=")
	require.Equal(t, 0, c.status, "nothing is held against a threshold")
	require.Empty(t, c.report(t).Studies[0].Checks)
	require.Equal(t, "orchestrix bench --quick --peers=", c.report(t).Command)

	c = benched(t.Context(), nil, []bench.Experiment{rate("seed", math.NaN(), 1)}, "--json")
	require.Equal(t, exitBroken, c.status, "what is not a number is not above its bar")
	require.True(t, math.IsNaN(c.report(t).Studies[0].Rows[0].Samples[0]))
}

func TestBenchExitStatus(t *testing.T) {
	broken := func(context.Context, bench.Effort) ([]bench.Study, error) { return nil, errors.New("the disk is gone") }
	gone, stop := context.WithCancel(t.Context())
	stop()
	for _, c := range []struct {
		ctx    context.Context
		run    bench.Experiment
		status int
		says   string
	}{
		{t.Context(), rate("seed", 1, 0.45), exitBroken, ""},
		{t.Context(), bench.Experiment{Name: "seed", Run: broken}, exitBroken, "seed: the disk is gone"},
		{gone, rate("seed", 3e6, 0.45), exitInterrupted, "interrupted: nothing is reported"},
	} {
		got := benched(c.ctx, nil, []bench.Experiment{c.run}, "seed")
		require.Equal(t, c.status, got.status, got.err)
		require.Contains(t, got.err, c.says)
	}
	c := benched(t.Context(), nil, []bench.Experiment{rate("seed", 1, 0.45)})
	require.Contains(t, c.out, "✗ Orchestrix / by hand: 5e-07 (bar: ≥ 0.45)")
	require.Contains(t, c.out, "1 of 1 thresholds do not hold")
	for _, args := range [][]string{nil, {"--json"}} {
		c = benched(t.Context(), fullDisk{}, tiny(), args...)
		require.Equal(t, exitBroken, c.status)
		require.Contains(t, c.err, "no space left")
	}
}

// What is wrong with a call is said before anything is measured.
func TestBenchUsage(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	never := []bench.Experiment{{Name: "seed", Run: func(context.Context, bench.Effort) ([]bench.Study, error) {
		t.Error("measured")
		return nil, nil
	}}}
	for name, text := range map[string]string{
		"file": "", "foreign.json": `{"some":"thing"}`, "cut.json": `{"studies":[{"na`, "bare.md": "# A\n", "twice.md": strings.Repeat("\n"+readmeBegin+"\n"+readmeEnd+"\n", 2),
		"swapped.md": "\n" + readmeEnd + "\n" + readmeBegin + "\n",
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	for _, c := range []struct{ args, says string }{
		{"sed", `there is no measurement "sed": give some of seed, peers, or none for all`},
		{"seed --runs 0", "--runs is 0"},
		{"seed --runs 1001", "--runs is 1001"},
		{"seed --runs many", "invalid argument"},
		{"seed --bogus", "unknown flag"},
		{"seed --out file", "--out: "},
		{"seed --out file/below", "--out: "},
		{"seed --compare none.json", "cannot compare with none.json: "},
		{"seed --compare .", "cannot compare with .: "},
		{"seed --compare foreign.json", "no report of a benchmark"},
		{"seed --compare cut.json", "no report of a benchmark"},
		{"seed --readme none.md", "--readme: "},
		{"seed --readme bare.md", "it needs the lines"},
		{"seed --readme twice.md", "once each"},
		{"seed --readme swapped.md", "in this sequence"},
		{"seed --readme bare.md --quick", "give one of the two"},
		{"peers", "the peers cannot be measured: there is no module bench/peers"},
		{"peers --peers=", "--peers is empty"},
	} {
		got := benched(t.Context(), nil, never, strings.Fields(c.args)...)
		require.Equal(t, exitUsage, got.status, "%s: %s", c.args, got.err)
		require.Contains(t, got.err, c.says, c.args)
		require.Empty(t, got.out)
	}
	require.NoDirExists(t, filepath.Join(dir, "file", "below"))
}

func TestBenchOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "report")
	for range 2 { // the second replaces the first
		c := benched(t.Context(), nil, tiny(), "--out", dir, "--json")
		require.Equal(t, 0, c.status, c.err)
		require.Contains(t, c.err, "with pictures: "+filepath.Join(dir, "index.html"))
		text, err := os.ReadFile(filepath.Join(dir, "report.json"))
		require.NoError(t, err)
		require.Equal(t, c.out, string(text))
		html, err := os.ReadFile(filepath.Join(dir, "index.html"))
		require.NoError(t, err)
		require.Contains(t, string(html), "pipeline is measured")
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 2, "nothing half made is left")
	}
	c := benched(t.Context(), nil, tiny(), "--compare", filepath.Join(dir, "report.json"))
	require.Equal(t, 0, c.status, c.err)
	require.True(t, strings.HasSuffix(c.out, "no change: none of 4 rows differs by more than chance explains\n"), c.out)
}

// Without --runs a comparison measures as often as it takes to tell.
func TestBenchCompareChoosesRuns(t *testing.T) {
	many := func(ctx context.Context, effort bench.Effort) ([]bench.Study, error) {
		s := bench.Study{Name: "seed", Unit: "ms", Rows: make([]bench.Row, 40)}
		for i := range s.Rows {
			s.Rows[i] = bench.Row{Name: strings.Repeat("x", i), X: float64(i), Samples: make([]float64, effort.Runs)}
		}
		return []bench.Study{s}, nil
	}
	experiments := []bench.Experiment{{Name: "seed", Run: many}}
	before := filepath.Join(t.TempDir(), "before.json")
	require.NoError(t, os.WriteFile(before, []byte(benched(t.Context(), nil, experiments, "--json").out), 0o600))
	c := benched(t.Context(), nil, experiments, "--json", "--compare", before)
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.err, "measuring each way 9 times")
	require.Contains(t, c.err, "no change: none of 40 rows", "not beside the one object on standard output")
	require.Len(t, c.report(t).Studies[0].Rows[0].Samples, 9)
	c = benched(t.Context(), nil, experiments, "--json", "--compare", before, "--runs", "4")
	require.Len(t, c.report(t).Studies[0].Rows[0].Samples, 4)
}

// A file that cannot be made whole is left as it was.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(path, []byte("before"), 0o600))
	require.ErrorContains(t, replaceFile(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("no more")
	}), "no more")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "before", string(text))
	require.Error(t, replaceFile(filepath.Join(path, "below"), func(io.Writer) error { return nil }))
	require.Error(t, replaceFile(dir, func(io.Writer) error { return nil }), "a folder is no file")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.NoError(t, replaceFile(path, func(io.Writer) error { return nil }))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "the file keeps its mode")
}
