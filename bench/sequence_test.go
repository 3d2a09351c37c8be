package bench

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSequenceStudy(t *testing.T) {
	studies, err := sequenceOf(t.Context(), Effort{Runs: 1, Quick: true}, 200)
	require.NoError(t, err)
	require.Len(t, studies, 1)
	s := studies[0]
	requireStudy(t, s, 2)
	require.Len(t, s.Traces, 2)
	require.True(t, s.Traces[0].Ours)
	require.Zero(t, s.Traces[0].Swaps())
	require.True(t, s.Checks[0].OK)
	for _, trace := range s.Traces {
		require.Len(t, trace.Out, 200)
		places := slices.Sorted(slices.Values(trace.Out))
		for i, place := range places {
			require.Equal(t, i, place, "%s: every place is taken once", trace.Name)
		}
	}
	require.Equal(t, float64(s.Traces[1].Swaps()), s.Rows[1].Median(), "the row counts what the diagram shows")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Sequence(ctx, Effort{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestArrivals(t *testing.T) {
	out, err := arrivals([]Stored{{Number: 2}, {Number: 3}, {Number: 1}}, 3)
	require.NoError(t, err)
	require.Equal(t, []int{2, 0, 1}, out)
	for name, stored := range map[string][]Stored{
		"lost":    {{Number: 1}, {Number: 2}},
		"twice":   {{Number: 1}, {Number: 2}, {Number: 2}},
		"foreign": {{Number: 1}, {Number: 2}, {Number: 4}},
		"none":    {{Number: 1}, {Number: 2}, {}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := arrivals(stored, 3)
			require.Error(t, err)
		})
	}
}
