package bench

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// apart gives two samples without ties in which u pairs of a, b have a above b.
func apart(n, m, u int) (a, b []float64) {
	for i := range m {
		b = append(b, float64(10*(i+1)))
	}
	for i := range n { // each stands above as many of b as are left to give out
		above := min(m, u)
		u -= above
		a = append(a, float64(10*above)+5+float64(i)/100)
	}
	return a, b
}

// The critical values are those of the published tables of Mann and Whitney: two-sided, 5 %. U at the value is
// significant, U one above it is not.
func TestMannWhitneyCriticalValues(t *testing.T) {
	for _, c := range []struct{ n, m, u int }{
		{4, 4, 0},
		{3, 5, 0},
		{4, 5, 1},
		{5, 5, 2},
		{5, 6, 3},
		{5, 10, 8},
		{6, 6, 5},
		{7, 7, 8},
		{8, 8, 13},
		{9, 9, 17},
		{10, 10, 23},
		{10, 20, 55},
		{12, 12, 37},
		{15, 15, 64},
		{20, 20, 127},
	} {
		a, b := apart(c.n, c.m, c.u)
		require.Less(t, mannWhitney(a, b), alpha, "%+v", c)
		require.InDelta(t, mannWhitney(a, b), mannWhitney(b, a), 1e-12, "%+v", c)
		a, b = apart(c.n, c.m, c.u+1)
		require.GreaterOrEqual(t, mannWhitney(a, b), alpha, "%+v", c)
	}
	for n := 1; n < 4; n++ {
		a, b := apart(n, n, 0)
		require.Greater(t, mannWhitney(a, b), alpha, "%d runs of each cannot be told apart", n)
	}
}

// bruteForce looks at every way of dealing the samples out.
func bruteForce(a, b []float64) float64 {
	all := append(append([]float64{}, a...), b...)
	off := func(isA func(i int) bool) float64 { // how far twice U is from its mean
		u := 0.0
		for i, x := range all {
			for j, y := range all {
				if isA(i) && !isA(j) {
					switch {
					case x > y:
						u += 2
					case x == y:
						u++
					}
				}
			}
		}
		return math.Abs(u - float64(len(a)*len(b)))
	}
	observed := off(func(i int) bool { return i < len(a) })
	asFar, ways := 0, 0
	for set := range uint(1) << len(all) {
		if bits.OnesCount(set) != len(a) {
			continue
		}
		ways++
		if off(func(i int) bool { return set>>i&1 == 1 }) >= observed {
			asFar++
		}
	}
	return float64(asFar) / float64(ways)
}

// With ties and without, the count is that of every permutation.
func TestMannWhitneyIsEveryPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-4, 4).Draw(t, "value")) / 2 })
		a := rapid.SliceOfN(value, 1, 5).Draw(t, "a")
		b := rapid.SliceOfN(value, 1, 5).Draw(t, "b")
		require.InDelta(t, bruteForce(a, b), mannWhitney(a, b), 1e-12)
	})
}

// The approximation for many samples agrees with the count, with some ties and without. The samples are always the same.
func TestMannWhitneyApproximation(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, values := range []int64{30, 100, 1 << 40} {
		for range 30 {
			var a, b []float64
			for range 20 {
				a = append(a, float64(random.Int64N(values)))
				b = append(b, float64(random.Int64N(values))*0.8)
			}
			ranks, sum := doubleRanks(a, b)
			mean := len(a) * (len(ranks) + 1)
			off := max(sum-mean, mean-sum)
			require.InDelta(t, tailExact(ranks, len(a), off), tailNormal(ranks, len(a), off), 0.01)
		}
	}
}

func TestMannWhitneyAtTheEdge(t *testing.T) {
	require.InDelta(t, 1.0, mannWhitney(nil, []float64{1}), 0)
	require.InDelta(t, 1.0, mannWhitney([]float64{2, 2, 2, 2}, []float64{2, 2, 2, 2, 2}), 0)
	equal := make([]float64, 50)
	require.InDelta(t, 1.0, mannWhitney(equal, equal), 0, "all equal, too many to count")
	a, b := apart(50, 50, 0)
	require.Less(t, mannWhitney(a, b), 1e-12)
	a, b = apart(5, 5, 0)
	require.InDelta(t, 2.0/252, mannWhitney(a, b), 1e-12)
	for n := 1; n < 8; n++ {
		a, b := apart(n, n+2, 0)
		require.InDelta(t, mannWhitney(a, b), smallestP(n, n+2), 1e-12)
	}
}
