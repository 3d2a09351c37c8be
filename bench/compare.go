package bench

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// alpha is how often a comparison of two reports of the same code may find a change that is none.
const alpha = 0.05

// Verdict is what a comparison says of one row.
type Verdict string

// The verdicts. Faster means better: more of a rate, less of a time or of anything else that costs.
const (
	Faster   Verdict = "faster"
	Slower   Verdict = "slower"
	NoChange Verdict = "no change"
	TooFew   Verdict = "too few runs to tell"
)

// Comparison of two reports, row by row.
type Comparison struct {
	Changes  []Change
	Warnings []string // why figures may not be comparable, and what was not compared
}

// Change is what became of one row.
type Change struct {
	Study, Name, Unit string
	Ours              bool    // it is this engine, not a baseline
	Old, New          float64 // medians
	P                 float64 // of the test, corrected for the number of rows
	Verdict           Verdict

	better   bool
	raw      float64 // P before its correction
	smallest float64 // the raw P of runs as many as these that lie wholly apart
}

// Percent is by how much the median changed; not a number when the old one is 0 or none.
func (c Change) Percent() float64 { return 100 * (c.New - c.Old) / math.Abs(c.Old) }

// Compare holds a report against an older one. Rows are paired by study, unit, line, name and X. A row has changed when
// its old and new runs lie further apart than chance explains: the two-sided Mann-Whitney U test at 5 %. The more rows
// there are, the more of them lie apart by chance, so P is corrected with Holm's method: the whole comparison of the same
// code, not each row, says "changed" once in twenty times at most. That needs more runs, see [Report.RunsToTell]. What no
// test can see is a machine that was busier the second time. Then the baselines change as well, and Conclusion says so.
func Compare(before, after Report) Comparison {
	var c Comparison
	was, is := before.Machine, after.Machine
	if was.Go != is.Go {
		c.warn("another version of Go: then %s; now %s", was.Go, is.Go)
	}
	if was.Go = is.Go; was != is {
		c.warn("DIFFERENT MACHINES, only ratios within one report mean something: then %s; now %s", was, is)
	}
	old := map[string]Row{}
	for _, s := range before.Studies {
		for _, r := range s.Rows {
			old[rowKey(s, r)] = r
		}
	}
	for _, s := range after.Studies {
		was, _ := before.Study(s.Name)
		if len(was.Rows) > 0 && was.Work != s.Work {
			c.warn("%s: the work was not the same: %q, now %q", s.Name, was.Work, s.Work)
		}
		for _, r := range s.Rows {
			if then, ok := old[rowKey(s, r)]; ok {
				c.Changes = append(c.Changes, newChange(s, then, r))
				delete(old, rowKey(s, r))
			} else {
				c.warn("%s: %s is new", s.Name, r.Name)
			}
		}
		for _, r := range was.Rows {
			if _, gone := old[rowKey(was, r)]; gone {
				c.warn("%s: %s is in the old report only", s.Name, r.Name)
			}
		}
	}
	c.judge()
	return c
}

// rowKey is the same for the same row of two reports.
func rowKey(s Study, r Row) string {
	return fmt.Sprintf("%q %q %q %q %v", s.Name, s.Unit, r.Line, r.Name, r.X)
}

func newChange(s Study, old, now Row) Change {
	a, b := finite(old.Samples), finite(now.Samples)
	c := Change{
		Study: s.Name, Name: now.Name, Unit: s.Unit, Ours: now.Ours,
		Old: Row{Samples: a}.Median(), New: Row{Samples: b}.Median(),
		raw: mannWhitney(a, b), smallest: smallestP(len(a), len(b)),
	}
	c.better = (c.New > c.Old) != s.Less
	return c
}

// finite leaves out what was not measured.
func finite(samples []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(samples), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// judge corrects every P, the smallest first, and gives the verdicts.
func (c *Comparison) judge() {
	byP := make([]*Change, len(c.Changes))
	for i := range c.Changes {
		byP[i] = &c.Changes[i]
	}
	slices.SortStableFunc(byP, func(a, b *Change) int { return cmp.Compare(a.raw, b.raw) })
	corrected := 0.0
	for i, change := range byP {
		corrected = max(corrected, min(1, change.raw*float64(len(byP)-i)))
		change.P = corrected
		change.Verdict = change.verdict(len(byP))
	}
}

func (c *Change) verdict(rows int) Verdict {
	switch {
	case c.P < alpha && c.better:
		return Faster
	case c.P < alpha:
		return Slower
	case c.smallest >= alpha: // whatever the runs came to
		return TooFew
	case c.raw < alpha && c.smallest*float64(rows) >= alpha: // they lie apart, but among so many rows some may
		return TooFew
	}
	return NoChange
}

// Conclusion says in one sentence what came out.
func (c *Comparison) Conclusion() string {
	count := map[Verdict]int{}
	moved := 0
	for _, change := range c.Changes {
		count[change.Verdict]++
		if !change.Ours && (change.Verdict == Faster || change.Verdict == Slower) {
			moved++
		}
	}
	rows := len(c.Changes)
	var s string
	switch changed := count[Faster] + count[Slower]; {
	case rows == 0:
		return "nothing to compare: the two reports have no row in common"
	case changed == 0 && count[TooFew] == 0:
		return fmt.Sprintf("no change: none of %d rows differs by more than chance explains", rows)
	case changed == 0:
		s = fmt.Sprintf("no change is certain: too few runs to tell for %d of %d rows", count[TooFew], rows)
	default:
		s = fmt.Sprintf("%d of %d rows changed: %d faster, %d slower", changed, rows, count[Faster], count[Slower])
	}
	if count[TooFew] > 0 {
		s += fmt.Sprintf("; %d runs of each way, then and now, would tell", runsToTell(rows, 0))
	}
	if moved > 0 {
		s += fmt.Sprintf("; %d of these are baselines, which are not this engine: the machine was not the same or not as quiet", moved)
	}
	return s
}

func (c *Comparison) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// RunsToTell is how many runs a later report needs for Compare to be able to tell a change of any row from chance. It is 0
// when no number would do, because this report has too few runs itself.
func (r Report) RunsToTell() int {
	var runs []int
	for _, s := range r.Studies {
		for _, row := range s.Rows {
			runs = append(runs, len(finite(row.Samples)))
		}
	}
	if len(runs) == 0 || slices.Min(runs) == 0 {
		return 0
	}
	return runsToTell(len(runs), slices.Min(runs))
}

// runsToTell is how many new runs of each of so many rows it takes beside so many old ones; 0 old ones means as many.
func runsToTell(rows, old int) int {
	const most = 30
	for n := 1; n <= most; n++ {
		then := old
		if old == 0 {
			then = n
		}
		if smallestP(then, n)*float64(rows) < alpha {
			return n
		}
	}
	return 0
}
