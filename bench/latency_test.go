package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// Every way makes its calls, and the check compares the rows that it names.
func TestClosedLoop(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	study, err := closedLoop(t.Context(), 2, 300)
	require.NoError(t, err)
	require.Len(t, study.Rows, 4)
	for _, row := range study.Rows {
		require.Len(t, row.Samples, 2, row.Name)
		require.Len(t, row.Columns, len(study.Columns), row.Name)
		require.Positive(t, row.Median(), row.Name)
		require.LessOrEqual(t, row.Columns[0], row.Columns[1], row.Name)
	}
	require.Equal(t, study.Ratio(latencyDo, latencyGoroutine), study.Checks[0].Value)
	require.NotEmpty(t, study.Finding)
}

// A hand-written way that skips a version is found out, with and without goroutines.
func TestHandTripsConflict(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	work := tallyLoad{n: 10, aggregates: 2}
	cmds := work.commands()
	cmds[9].Subject = cmds[0].Subject // its fifth place is not where command 9 belongs
	for _, hops := range []int{0, 1, 4} {
		_, err := handTrips(t.Context(), cmds, hops)
		require.ErrorContains(t, err, "conflict", "%d hops", hops)
	}
}

// The rows of a line follow its percentiles, and what is counted from the schedule is never less than from the send.
func TestOpenLoop(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, durable := range []bool{false, true} {
		study, err := openLoop(t.Context(), 2, openLoad{n: 300, durable: durable})
		require.NoError(t, err)
		require.Len(t, study.Rows, len(openRates)*2*5)
		for i, row := range study.Rows {
			require.Len(t, row.Samples, 2, row.Name)
			require.Len(t, row.Columns, len(study.Columns), row.Name)
			if i > 0 && study.Rows[i-1].Line == row.Line {
				require.Greater(t, row.X, study.Rows[i-1].X, row.Name)
				require.GreaterOrEqual(t, row.Median(), study.Rows[i-1].Median(), row.Name)
			}
		}
		for _, percent := range openRates {
			for _, p := range []float64{50, 99, 100} {
				schedule, send := study.Row(openRow(percent, fromSchedule, p)), study.Row(openRow(percent, fromSend, p))
				for run := range schedule.Samples {
					require.GreaterOrEqual(t, schedule.Samples[run], send.Samples[run], schedule.Name)
				}
			}
		}
		require.NotEmpty(t, study.Finding)
	}
}

// A schedule is kept: nothing is sent before its time, everything is settled after it was sent.
func TestOpenLoadKeepsItsSchedule(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	times, err := openLoad{n: 500, rate: 20_000}.run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 499*50*time.Microsecond, times.intended[499])
	for i, intended := range times.intended {
		require.GreaterOrEqual(t, times.sent[i], intended)
		require.Greater(t, times.settled[i], times.sent[i])
	}
}

// The wait that a closed loop does not see is what the finding tells.
func TestOpenFinding(t *testing.T) {
	study := openStudy(openLoad{n: 1})
	at := func(schedule, send float64) string {
		study.Rows = []Row{
			{Name: "80 % load, from the schedule, p99", Samples: []float64{schedule}},
			{Name: "80 % load, from the send, p99", Samples: []float64{send}},
		}
		return openFinding(&study)
	}
	require.Equal(t, "At 80 % load the p99 is 2.00 ms from the schedule and 500 µs from the send: "+
		"the closed-loop view hides 75 % of the wait", at(2000, 500))
	require.Contains(t, at(510, 500), "near the truth")
}

// A context that is done ends every experiment with its error.
func TestLatencyAndScaleCancelled(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, run := range []func(context.Context, Effort) ([]Study, error){Latency, Scale} {
		studies, err := run(ctx, Effort{Quick: true})
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, studies)
	}
}

// A context that ends in the middle of a run ends that run, and leaves nothing behind.
func TestCancelledInTheMiddle(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	_, err := timeCalls(ctx, 100, func(i int) error {
		if i == 50 {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)

	ctx, cancel = context.WithCancel(t.Context())
	work := tallyLoad{registry: decidedTally(), n: 1000, aggregates: 1000, to: func(i int) int {
		if i == 500 {
			cancel() // the commands are made, the pipeline has not begun
		}
		return i
	}}
	_, err = work.run(ctx)
	require.Error(t, err)
	_, err = openLoad{n: 1000, rate: 1}.run(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
