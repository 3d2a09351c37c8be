package page

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTicks(t *testing.T) {
	for name, c := range map[string]struct {
		scale scale
		want  []float64
	}{
		"from zero":   {newScale(3, 24), []float64{0, 5, 10, 15, 20}},
		"nothing":     {newScale(0, 0), []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		"below zero":  {newScale(-4, 2), []float64{-4, -3, -2, -1, 0, 1, 2}},
		"logarithmic": {newScale(2, 30_000), []float64{10, 100, 1000, 10_000}},
		"a few":       {newScale(2, 80), []float64{2, 5, 10, 20, 50}},
		"for bars":    {newScale(200, 40_000).onDecade(), []float64{100, 1000, 10_000}},
		"every X":     {along([]float64{64, 1, 8, 8}, false), []float64{1, 8, 64}},
	} {
		t.Run(name, func(t *testing.T) { require.InDeltaSlice(t, c.want, c.scale.ticks, 1e-9) })
	}
}

func TestScaleKeepsTheSequenceAndItsEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Float64Range(-1e300, 1e300), rapid.Float64Range(0.1, 1000))
		values := rapid.SliceOfN(value, 1, 9).Draw(t, "values")
		slices.Sort(values)
		s := newScale(values[0], values[len(values)-1]).between(10, 90)
		if rapid.Bool().Draw(t, "bars") {
			s = s.onDecade()
		}
		last := 10.0
		for _, v := range values {
			at := s.at(v)
			require.GreaterOrEqual(t, at, last)
			require.LessOrEqual(t, at, 90.0)
			last = at
		}
		require.LessOrEqual(t, len(s.ticks), 12)
		for _, tick := range s.ticks {
			require.LessOrEqual(t, tick, s.hi)
			require.GreaterOrEqual(t, tick, s.lo-1e-3*math.Abs(s.lo))
		}
	})
}
