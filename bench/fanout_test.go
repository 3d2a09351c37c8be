package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFanOutWays(t *testing.T) {
	for _, way := range FanOutWays(700) {
		t.Run(way.Name, func(t *testing.T) {
			sample, err := way.Run(t.Context())
			require.NoError(t, err)
			require.Positive(t, sample.Value)
			require.Len(t, sample.Columns, 2)
		})
	}
}

// Canaries: a way that saves itself some of the work is not measured.
func TestFanOutRefusesAWayThatCheats(t *testing.T) {
	cheat := func(do func(work fanWork)) fanWay {
		return func(_ context.Context, work fanWork) (func() error, error) {
			return func() error { do(work); return nil }, nil
		}
	}
	all := func(work fanWork, c int) {
		for h := range fanHandlers {
			work.handle(h, c)
		}
	}
	for name, way := range map[string]fanWay{
		"does nothing": cheat(func(fanWork) {}),
		"leaves out a handler": cheat(func(work fanWork) {
			for c := range work.commands {
				work.handle(0, c)
				work.joined(c)
			}
		}),
		"leaves out a join": cheat(func(work fanWork) {
			for c := range work.commands {
				all(work, c)
			}
		}),
		"joins before the handlers": cheat(func(work fanWork) {
			for c := range work.commands {
				work.joined(c)
				all(work, c)
			}
		}),
		"calls a handler twice": cheat(func(work fanWork) {
			for c := range work.commands {
				all(work, c)
				work.handle(0, c)
				work.joined(c)
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fanned(10, way)(t.Context())
			require.Error(t, err)
		})
	}
}

func TestFanOutStudies(t *testing.T) {
	effort := Effort{Runs: 1, Quick: true}
	idle, err := fanOutIdle(t.Context(), effort, 500)
	require.NoError(t, err)
	requireStudy(t, idle, 5)
	require.Len(t, idle.Checks, 1)
	computing, err := fanOutComputing(t.Context(), effort, 20)
	require.NoError(t, err)
	requireStudy(t, computing, 3)
	require.Contains(t, computing.Finding, "does not help beyond the cores")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = FanOut(ctx, Effort{})
	require.ErrorIs(t, err, context.Canceled)
}

// requireStudy asks of a study what every reader needs of it.
func requireStudy(t *testing.T, s Study, rows int) {
	t.Helper()
	require.NotEmpty(t, s.Name)
	require.NotEmpty(t, s.Finding)
	require.NotEmpty(t, s.Work)
	require.NotEmpty(t, s.Unit)
	require.Len(t, s.Rows, rows)
	for _, row := range s.Rows {
		require.Len(t, row.Samples, 1, row.Name)
		require.Len(t, row.Columns, len(s.Columns), row.Name)
	}
	require.True(t, s.Rows[0].Ours, "the first row is the one that counts")
	require.NotContains(t, s.Finding, "NaN")
}
