package bench

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// Every study has its rows, each with all its samples and columns, and a finding.
func TestScaleStudies(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, test := range []struct {
		measure      func(ctx context.Context, runs, n int) (Study, error)
		name         string
		rows, checks int
	}{
		{scaleWindow, "scale-window", 14, 0},
		{scaleHandlers, "scale-handlers", 6, 0},
		{scaleWorkers, "scale-workers", 10, 1},
		{scaleAggregates, "scale-aggregates", 5, 0}, // 1 to 10,000
		{scaleSkew, "scale-skew", 4, 0},
	} {
		study, err := test.measure(t.Context(), 1, 1000)
		require.NoError(t, err)
		require.Equal(t, test.name, study.Name)
		require.Len(t, study.Rows, test.rows, test.name)
		require.Len(t, study.Checks, test.checks, test.name)
		require.NotContains(t, study.Finding, "NaN", "a ratio of rows that are not there")
		names := map[string]bool{}
		for i, row := range study.Rows {
			require.Len(t, row.Samples, 1, row.Name)
			require.Len(t, row.Columns, len(study.Columns), row.Name)
			require.Positive(t, row.Median(), row.Name)
			require.False(t, names[row.Name], "two rows are called %q", row.Name)
			names[row.Name] = true
			if i > 0 && study.Axis != "" && study.Rows[i-1].Line == row.Line {
				require.Greater(t, row.X, study.Rows[i-1].X, row.Name)
			}
		}
	}
}

// The cost of a command and of a handler call follow from the throughput.
func TestScaleCost(t *testing.T) {
	study, err := scaleHandlers(t.Context(), 1, 200)
	require.NoError(t, err)
	for _, row := range study.Rows {
		require.InEpsilon(t, 1e9/row.Median(), row.Columns[2], 1e-9, row.Name)
		require.InEpsilon(t, row.Columns[2]/row.X, row.Columns[3], 1e-9, row.Name)
	}
}

// Whatever a pipeline or a store does wrong is an error of the run, not a figure.
func TestTallyVerifies(t *testing.T) {
	ctx := t.Context()
	load := tallyLoad{registry: decidedTally(), n: 6, aggregates: 2}
	fill := func(tamper func(cmds []*engine.Command)) (engine.Store, pipeline.Report) {
		store, cmds := memory.New(), load.commands()
		tamper(cmds)
		p, err := pipeline.New(load.registry, sinks.NewStore(store), pipeline.Options{})
		require.NoError(t, err)
		report, err := p.Run(ctx, sources.Slice(cmds))
		require.NoError(t, err)
		return store, report
	}
	store, report := fill(func([]*engine.Command) {})
	require.NoError(t, load.verify(ctx, store, report))

	short := report
	short.Accepted--
	require.ErrorContains(t, load.verify(ctx, store, short), "did not do the work")
	broken := report
	broken.Sequence.Swaps++
	require.ErrorContains(t, load.verify(ctx, store, broken), "did not do the work")
	require.ErrorContains(t, load.verify(ctx, memory.New(), report), "0 events of 6")

	swapped, report := fill(func(cmds []*engine.Command) { cmds[0], cmds[2] = cmds[2], cmds[0] })
	require.ErrorContains(t, load.verify(ctx, swapped, report), "out of sequence")
	astray, report := fill(func(cmds []*engine.Command) { cmds[5].Subject = cmds[0].Subject })
	require.ErrorContains(t, load.verify(ctx, astray, report), "event of nobody")
}

// A durable run leaves no file behind, whether it works or not.
func TestTallyStoreIsRemoved(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	load := tallyLoad{registry: decidedTally(), n: 10, aggregates: 3, durable: true}
	_, err := load.run(t.Context())
	require.NoError(t, err)
	err = load.inStore(t.Context(), func(engine.Store) error { return fmt.Errorf("no") })
	require.EqualError(t, err, "no")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}
