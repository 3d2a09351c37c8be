package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/orchestrix-go/orchestrix/bench"
)

// table has every number of a study. The first column of a line is its name.
type table struct {
	Head  []string
	Lines []tableLine
	Long  bool // folded until it is asked for
}

type tableLine struct {
	Name  string
	Ours  bool
	Cells []string
}

func newTable(s bench.Study, all []figure) table {
	t := table{Head: []string{"way"}, Long: len(all) > 16}
	joined, columns := false, len(s.Columns)
	for _, f := range all {
		joined, columns = joined || f.Line != "", max(columns, len(f.Columns))
	}
	if joined {
		t.Head = append(t.Head, "line", orElse(s.Axis, "x"))
	}
	t.Head = append(t.Head, "median "+s.Unit, "smallest", "largest", "n")
	for i := range columns {
		name := fmt.Sprintf("column %d", i+1)
		if i < len(s.Columns) {
			name = orElse(s.Columns[i], name)
		}
		t.Head = append(t.Head, name)
	}
	t.Head = append(t.Head, "times ours")
	for i := range t.Head {
		if what, each, found := strings.Cut(t.Head[i], "/"); found && len(each) > 3 {
			t.Head[i] = what + "/\u200b" + each // may wrap there
		}
	}
	for _, f := range all {
		l := tableLine{Name: orElse(f.Name, missing), Ours: f.Ours}
		if joined {
			l.Cells = append(l.Cells, orElse(f.Line, missing), full(f.X))
		}
		l.Cells = append(l.Cells, full(f.median), full(f.least), full(f.most), taken(f))
		for i := range columns {
			cell := missing
			if i < len(f.Columns) {
				cell = full(f.Columns[i])
			}
			l.Cells = append(l.Cells, cell)
		}
		t.Lines = append(t.Lines, tableLine{Name: l.Name, Ours: l.Ours, Cells: append(l.Cells, short(againstOurs(all, f)))})
	}
	return t
}

// taken is how many samples a figure stands on, and how many were not numbers.
func taken(f figure) string {
	if f.void > 0 {
		return fmt.Sprintf("%d (%d void)", len(f.Samples), f.void)
	}
	return fmt.Sprint(len(f.Samples))
}

// againstOurs is the median of a figure divided by that of our row; not usable when there is no such row.
func againstOurs(all []figure, f figure) float64 {
	if our, found := ours(all, f); found && our.median != 0 {
		return f.median / our.median
	}
	return math.NaN()
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
