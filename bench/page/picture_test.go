package page

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
)

// ends gives the smallest and the largest x of a path.
func ends(t require.TestingT, path *node) (from, to float64) {
	all := corners(t, path)
	from, to = all[0].x, all[0].x
	for _, p := range all {
		from, to = min(from, p.x), max(to, p.x)
	}
	return from, to
}

func TestBarsAreAsLongAsTheirFigures(t *testing.T) {
	page := written(t, one(bench.Study{Unit: "ms", Less: true, Rows: []bench.Row{
		{Name: "sync", Samples: []float64{8, 12, 10}}, {Name: "async", Ours: true, Samples: []float64{2, 2, 2}},
	}}))
	for _, width := range []string{"wide", "narrow"} {
		svg := page.all("svg", width)[0]
		bars := svg.all("path", "bar")
		require.Len(t, bars, 2)
		require.Contains(t, bars[0].attrs["class"], "ours", "less is better, so it is first")
		zero, short := ends(t, bars[0])
		_, long := ends(t, bars[1])
		require.InDelta(t, 5, (long-zero)/(short-zero), 0.05)
		least, most := ends(t, svg.all("path", "whisker")[1])
		require.InDelta(t, 0.8, (least-zero)/(long-zero), 0.05)
		require.InDelta(t, 1.2, (most-zero)/(long-zero), 0.05)
		require.Equal(t, "ms · less is better", svg.all("text", "title")[0].words())
		require.Equal(t, []string{"2", "10"}, allWords(svg.all("text", "value")))
		require.Equal(t, []string{"", "5× ours"}, allWords(svg.all("text", "relation")))
	}
}

func TestBarsFarApartAreLogarithmicAndSaySo(t *testing.T) {
	svg := written(t, one(peers())).all("svg", "wide")[0]
	require.Equal(t, "commands/s · logarithmic scale", svg.all("text", "title")[0].words())
	require.Equal(t, []string{"by hand", "ours", "slow"}, allWords(svg.all("text", "name")))
	var grid []float64
	for _, line := range svg.all("path", "grid") {
		at, _ := ends(t, line)
		grid = append(grid, at)
	}
	require.Equal(t, []string{"10k", "100k", "1M"}, allWords(svg.all("text", "tick")))
	require.InDelta(t, grid[1]-grid[0], grid[2]-grid[1], 0.2, "each line is ten times the one before")
	_, slow := ends(t, svg.all("path", "bar")[2])
	require.InDelta(t, math.Log10(3.5), (slow-grid[0])/(grid[1]-grid[0]), 0.01)
	require.Equal(t, []string{"2× ours", "", "1/74 of ours"}, allWords(svg.all("text", "relation")))
}

func TestLongUnitDoesNotHideTheScale(t *testing.T) {
	s := peers()
	s.Unit = "commands a second of every aggregate that was ever seen"
	title := written(t, one(s)).all("svg", "narrow")[0].all("text", "title")[0].words()
	require.Regexp(t, `^commands.*… · logarithmic scale$`, title)
}

// over is a study of one line over X whose figures are ys.
func over(axis string, xs, ys []float64) bench.Study {
	s := bench.Study{Unit: "ms", Axis: axis}
	for i, x := range xs {
		s.Rows = append(s.Rows, bench.Row{Line: "ours", Ours: true, X: x, Samples: []float64{ys[i]}})
	}
	return s
}

func dotsOf(t *testing.T, s bench.Study) []point {
	return corners(t, written(t, one(s)).all("svg", "wide")[0].all("path", "dot")[0])
}

func TestLinesStandWhereXSays(t *testing.T) {
	for name, c := range map[string]struct {
		axis  string
		xs    []float64
		parts []float64 // of the way from the first X to the last
	}{
		"near":        {"handlers", []float64{10, 1, 5}, []float64{0, 4. / 9, 1}},
		"far apart":   {"in flight", []float64{1, 64, 4096}, []float64{0, 0.5, 1}},
		"from zero":   {"in flight", []float64{0, 50, 100}, []float64{0, 0.5, 1}},
		"percentiles": {"Percentile", []float64{90, 99, 99.9}, []float64{0, 0.5, 1}},
		"the last":    {"percentile", []float64{90, 99, 100}, []float64{0, 1 / 1.8, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			dots := dotsOf(t, over(c.axis, c.xs, []float64{1, 2, 3}))
			for i, part := range c.parts {
				require.InDelta(t, part, (dots[i].x-dots[0].x)/(dots[2].x-dots[0].x), 0.005)
			}
		})
	}
}

func TestLinesAreAsHighAsTheirFigures(t *testing.T) {
	xs := []float64{1, 2, 3}
	dots := dotsOf(t, over("x", xs, []float64{1, 2, 4}))
	require.InDelta(t, 2, (dots[1].y-dots[2].y)/(dots[0].y-dots[1].y), 0.02)
	dots = dotsOf(t, over("x", xs, []float64{1, 10, 100}))
	require.InDelta(t, 1, (dots[1].y-dots[2].y)/(dots[0].y-dots[1].y), 0.02)
	dots = dotsOf(t, over("percentile", []float64{50, 90, 99}, []float64{1, 2, 4}))
	require.InDelta(t, 1, (dots[1].y-dots[2].y)/(dots[0].y-dots[1].y), 0.02, "percentiles are always logarithmic")
}

func TestNamesOfLinesStandApart(t *testing.T) {
	s := over("x", []float64{1, 2}, []float64{10, 10})
	for _, name := range []string{"a", "b", "c", "d"} { // all end at the bottom
		s.Rows = append(s.Rows, bench.Row{Name: name, Line: name, X: 2, Samples: []float64{0}})
	}
	svg := written(t, one(s)).all("svg", "wide")[0]
	bottom := corners(t, svg.all("path", "axis")[0])[0].y
	var at []float64
	for _, label := range svg.all("text", "label") {
		at = append(at, number(t, label.attrs["y"]))
		require.LessOrEqual(t, at[len(at)-1], bottom+5)
	}
	require.Len(t, at, 5)
	for i := range at[1:] {
		require.GreaterOrEqual(t, at[i+1]-at[i], labelPitch)
	}
}

func TestLinesAreComparedAtTheSameX(t *testing.T) {
	s := over("x", []float64{1, 2}, []float64{10, 100})
	s.Rows = append(s.Rows, bench.Row{Line: "other", X: 2, Samples: []float64{50}}, bench.Row{Line: "other", X: 3, Samples: []float64{50}})
	lines := newTable(s, newFigures(s)).Lines
	require.Equal(t, []string{"other", "2", "50", "50", "50", "1", "0.5"}, lines[2].Cells)
	require.Equal(t, missing, lines[3].Cells[6])
}

func TestTraceOfAPerfectSequenceIsADiagonal(t *testing.T) {
	out := make([]int, 10_000)
	for i := range out {
		out[i] = i
	}
	page := written(t, one(bench.Study{Traces: []bench.Trace{{Name: "ours", Ours: true, Out: out}}}))
	require.Contains(t, page.all("figcaption")[0].words(), "No swap in 10,000 arrivals")
	svg := page.all("svg", "small")[0]
	diagonal := corners(t, svg.all("path", "diagonal")[0])
	dots := corners(t, svg.all("path", "trace")[0])
	require.Len(t, dots, mostDots)
	for _, dot := range dots {
		require.InDelta(t, dot.x-diagonal[0].x, diagonal[0].y-dot.y, 0.2)
	}
}

func TestThinnedTraceKeepsWhatIsOff(t *testing.T) {
	out := make([]int, 10_000)
	for i := range out {
		out[i] = i
	}
	out[17], out[9000] = out[9000], out[17]
	shown, every := thin(out)
	require.Equal(t, 5, every)
	require.True(t, slices.Contains(shown, 17) && slices.Contains(shown, 9000))
	page := written(t, one(bench.Study{Traces: []bench.Trace{{Out: out}}}))
	require.Contains(t, page.all("figcaption")[0].words(), "2 swaps in 10,000 arrivals. Of every 5 neighbours")
}

func TestBulletHasItsBarInTheMiddle(t *testing.T) {
	for value, part := range map[float64]float64{0: 0, 1: 0.25, 2: 0.5, 4: 1, 400: 1} {
		d := bullet(bench.AtLeast("", value, 2))
		_, ground := ends(t, &node{attrs: map[string]string{"d": d.Marks[0].Path}})
		fill := corners(t, &node{attrs: map[string]string{"d": d.Marks[1].Path}})
		at, _ := ends(t, &node{attrs: map[string]string{"d": d.Marks[2].Path}})
		require.InDelta(t, part, fill[1].x/ground, 0.01)
		require.InDelta(t, 0.5, at/ground, 0.01)
		require.Equal(t, value > 4, fill[2].x > fill[1].x, "an arrow")
	}
}
