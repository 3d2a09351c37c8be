package bench

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// The studies of idle aggregates hold what was measured against their bars. How much it is, is not a matter for a test:
// other tests use the same heap. In virtual time the lookout never takes a worker that is off the processor for one that
// waits, and hires another: how many goroutines there are depends on the pipeline and on nothing else.
func TestScaleIdle(t *testing.T) { synctest.Test(t, testScaleIdle) }

func testScaleIdle(t *testing.T) {
	studies, err := scaleIdle(t.Context(), 2, 3000)
	require.NoError(t, err)
	require.Len(t, studies, 2)
	bytes, goroutines := studies[0], studies[1]
	require.Len(t, bytes.Rows, 2)
	require.Len(t, bytes.Checks, 2)
	for i, row := range bytes.Rows {
		require.Len(t, row.Samples, 2, row.Name)
		require.Equal(t, row.Median(), bytes.Checks[i].Value)
		require.Equal(t, 200.0, bytes.Checks[i].Bar)
	}
	require.Len(t, goroutines.Rows, 3)
	for _, row := range goroutines.Rows {
		require.Len(t, row.Samples, 2, row.Name)
		require.Positive(t, row.Median(), row.Name)
	}
	require.True(t, goroutines.OK(), "%+v", goroutines.Checks)
	require.Contains(t, goroutines.Finding, "does not follow")
}

// A number that follows the aggregates is said to do so.
func TestJudgeIdle(t *testing.T) {
	bytes := Study{Rows: []Row{{Samples: []float64{10}}, {Samples: []float64{201}}}}
	goroutines := Study{Rows: []Row{{Samples: []float64{67}}, {Samples: []float64{70}}, {Samples: []float64{72}}}}
	judgeIdle(&bytes, &goroutines)
	require.True(t, bytes.Checks[0].OK)
	require.False(t, bytes.Checks[1].OK)
	require.False(t, goroutines.OK())
	require.Equal(t, "The number of goroutines follows the number of aggregates: 67 to 72", goroutines.Finding)
}

// Both sides of the comparison end with their context.
func TestIdleCancelled(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	load := idleLoad{aggregates: 10, commands: 30}
	_, err := load.measure(ctx)
	require.ErrorIs(t, err, context.Canceled)
	_, err = load.storeAlone(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
