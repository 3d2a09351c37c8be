package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// madeUp is a report of one study whose rows have as many runs as each, noisy around the figure of each.
func madeUp(seed uint64, runs int, figures ...float64) Report {
	random := rand.New(rand.NewPCG(seed, 1))
	s := Study{Name: "pipeline", Unit: "commands/s", Work: "some"}
	for i, figure := range figures {
		r := Row{Name: fmt.Sprint("row ", i), Ours: i == 0}
		for range runs {
			r.Samples = append(r.Samples, figure*(0.9+0.2*random.Float64()))
		}
		s.Rows = append(s.Rows, r)
	}
	return Report{Machine: Machine{Cores: 2, OS: "linux/amd64", Go: "go1"}, Studies: []Study{s}}
}

func verdicts(c Comparison) []Verdict {
	var all []Verdict
	for _, change := range c.Changes {
		all = append(all, change.Verdict)
	}
	return all
}

func TestCompare(t *testing.T) {
	c := Compare(madeUp(1, 6, 100, 100, 100), madeUp(2, 6, 200, 50, 100))
	require.Equal(t, []Verdict{Faster, Slower, NoChange}, verdicts(c))
	require.Empty(t, c.Warnings)
	require.InDelta(t, 100, c.Changes[0].Percent(), 45)
	require.InDelta(t, -50, c.Changes[1].Percent(), 15)
	require.InDelta(t, 3*smallestP(6, 6), c.Changes[0].P, 1e-12, "Holm: the smallest of three counts three times")
	require.Contains(t, c.Conclusion(), "2 of 3 rows changed: 1 faster, 1 slower")
	require.Contains(t, c.Conclusion(), "1 of these are baselines", "row 1 is not ours")

	slow := madeUp(2, 6, 200)
	slow.Studies[0].Less = true
	require.Equal(t, []Verdict{Slower}, verdicts(Compare(madeUp(1, 6, 100), slow)), "more of what costs is worse")
}

func TestCompareWithItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		figures := rapid.SliceOfN(rapid.Float64Range(0.001, 1e9), 1, 30).Draw(t, "figures")
		r := madeUp(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(4, 12).Draw(t, "runs"), figures...)
		c := Compare(r, r)
		require.Len(t, c.Changes, len(figures))
		require.Contains(t, c.Conclusion(), "no change: none of")
		for _, change := range c.Changes {
			require.Equal(t, NoChange, change.Verdict)
			require.Zero(t, change.Percent())
		}
	})
}

// Five in a hundred comparisons of the same code may find something; without the correction for 30 rows it would be more
// than half of them. The seeds are fixed, so this never fails by chance.
func TestCompareRarelyCriesWolf(t *testing.T) {
	figures := make([]float64, 30)
	for i := range figures {
		figures[i] = 100
	}
	before := madeUp(0, 8, figures...)
	wolves, uncorrected := 0, 0
	for seed := range uint64(200) {
		c := Compare(madeUp(2*seed, 8, figures...), madeUp(2*seed+1, 8, figures...))
		cried, low := false, false
		for _, change := range c.Changes {
			cried = cried || change.Verdict != NoChange
			low = low || change.raw < alpha
		}
		if cried {
			wolves++
		}
		if low {
			uncorrected++
		}
	}
	require.LessOrEqual(t, wolves, 10)
	require.Greater(t, uncorrected, 100)
	require.LessOrEqual(t, before.RunsToTell(), 8)
}

func TestCompareTooFewRuns(t *testing.T) {
	c := Compare(madeUp(1, 3, 100), madeUp(2, 3, 900))
	require.Equal(t, []Verdict{TooFew}, verdicts(c), "three runs of each never do")
	require.Contains(t, c.Conclusion(), "no change is certain: too few runs to tell for 1 of 1 rows; 4 runs of each way")

	many, changed := make([]float64, 20), make([]float64, 20)
	for i := range many {
		many[i], changed[i] = 100, 100
	}
	changed[7] = 900
	c = Compare(madeUp(1, 5, many...), madeUp(2, 5, changed...))
	require.Equal(t, TooFew, c.Changes[7].Verdict, "one of 20 rows may lie apart by chance")
	require.Equal(t, NoChange, c.Changes[8].Verdict)
	runs := madeUp(1, 5, many...).RunsToTell()
	c = Compare(madeUp(1, 5, many...), madeUp(2, runs, changed...))
	require.Equal(t, Faster, c.Changes[7].Verdict)
	require.Zero(t, madeUp(1, 0, 100).RunsToTell())
	require.Zero(t, madeUp(1, 1, many...).RunsToTell(), "one run then: nothing will ever tell")
	require.Zero(t, Report{}.RunsToTell())
}

func TestCompareWarns(t *testing.T) {
	before, after := madeUp(1, 5, 1, 2), madeUp(1, 5, 1, 2)
	after.Machine.CPU, after.Machine.Go = "another", "go2"
	after.Studies[0].Work = "a tenth"
	after.Studies[0].Rows[1].Name = "renamed"
	after.Studies = append(after.Studies, Study{Name: "new", Rows: []Row{{Name: "row"}}})
	c := Compare(before, after)
	require.Len(t, c.Warnings, 6)
	for i, part := range []string{
		"another version of Go", "DIFFERENT MACHINES", "the work was not the same", "renamed is new", "row 1 is in the old report only",
		"new: row is new",
	} {
		require.Contains(t, c.Warnings[i], part)
	}
	require.Len(t, c.Changes, 1)
	after.Studies[0].Unit = "ms"
	c = Compare(before, after)
	require.Equal(t, "nothing to compare: the two reports have no row in common", c.Conclusion())
}

// What was not measured changes nothing, and stops nothing.
func TestCompareNotANumber(t *testing.T) {
	r := madeUp(1, 5, math.NaN(), 100, math.Inf(1))
	r.Studies[0].Rows[1].Samples[0] = math.NaN()
	c := Compare(r, r)
	require.Equal(t, []Verdict{TooFew, NoChange, TooFew}, verdicts(c))
	require.Zero(t, c.Changes[1].Percent())
}
