package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// A warm way does its work twice for each time that counts, and its figure is that of the second.
func TestWarm(t *testing.T) {
	done := 0
	count := Way{Name: "count", Run: func(context.Context) (Sample, error) {
		done++
		return Sample{Value: float64(done), Columns: []float64{0}}, nil
	}}
	fail := Way{Name: "fail", Run: func(context.Context) (Sample, error) { return Sample{}, errNothing }}

	rows, err := Measure(t.Context(), 2, Warm([]Way{count}))
	require.NoError(t, err)
	require.Equal(t, []float64{4, 6}, rows[0].Samples, "the first round of two is not counted")

	_, err = Measure(t.Context(), 1, Warm([]Way{count, fail}))
	require.ErrorIs(t, err, errNothing)
}
