package page

import (
	"fmt"
	"slices"

	"github.com/orchestrix-go/orchestrix/bench"
)

// figure is a row with what is drawn of it. Samples that are not numbers are left out and counted.
type figure struct {
	bench.Row
	median, least, most float64
	void                int
}

func newFigures(s bench.Study) []figure {
	all := make([]figure, len(s.Rows))
	for i, row := range s.Rows {
		taken := len(row.Samples)
		row.Samples = slices.DeleteFunc(slices.Clone(row.Samples), func(v float64) bool { return !usable(v) })
		f := figure{Row: row, median: row.Median(), void: taken - len(row.Samples)}
		f.least, f.most = row.Spread()
		all[i] = f
	}
	return all
}

// drawable rows have something to draw; the others are only in the table.
func (f figure) drawable() bool { return len(f.Samples) > 0 && usable(f.X) }

// ours is the row that a row is compared with: the first of this engine at the same X, if it is the point of a line.
func ours(all []figure, f figure) (figure, bool) {
	i := slices.IndexFunc(all, func(o figure) bool {
		return o.Ours && o.drawable() && (o.Line == "") == (f.Line == "") && (f.Line == "" || o.X == f.X)
	})
	if i < 0 {
		return figure{}, false
	}
	return all[i], true
}

// reach gives the smallest and the largest sample of all figures.
func reach(all []figure) (least, most float64) {
	least, most = all[0].least, all[0].most
	for _, f := range all {
		least, most = min(least, f.least), max(most, f.most)
	}
	return least, most
}

// spread says what is drawn of the samples, and how many there are: "the median of 3 to 5 runs; ...".
func spread(all []figure, drawn string) string {
	least, most := len(all[0].Samples), 0
	for _, f := range all {
		least, most = min(least, len(f.Samples)), max(most, len(f.Samples))
	}
	runs := count(most, "run")
	switch {
	case most == 1:
		return "the figure of a single run."
	case least < most:
		runs = fmt.Sprintf("%d to %s", least, runs)
	}
	return fmt.Sprintf("the median of %s; the %s reach from the smallest to the largest.", runs, drawn)
}
