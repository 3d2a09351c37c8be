package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/orchestrix-go/orchestrix/bench"
)

// line is the rows that are joined, in the sequence of X.
type line struct {
	name   string
	class  string
	points []figure
}

// linePictures draws the rows that are points of a line over X. There is none when no such row has a figure.
func linePictures(id string, s bench.Study, all []figure) []picture {
	rows := slices.DeleteFunc(slices.Clone(all), func(f figure) bool { return f.Line == "" || !f.drawable() })
	if len(rows) == 0 {
		return nil
	}
	chart := lineChart{id: id, study: s, lines: newLines(rows)}
	var xs []float64
	for _, f := range rows {
		xs = append(xs, f.X)
	}
	chart.percentiles = strings.Contains(strings.ToLower(s.Axis), "percentile") && slices.Min(xs) >= 0 && slices.Max(xs) <= 100
	chart.x, chart.y = along(xs, chart.percentiles), newScale(reach(rows))
	if least, most := reach(rows); chart.percentiles && least > 1e-290 { // tails are told in factors
		chart.y = logarithmic(least, most)
	}
	caption := "Dots are at " + spread(rows, "bands")
	return []picture{{Caption: caption, Drawings: []drawing{chart.draw(wide), chart.draw(narrow)}}}
}

// newLines joins the rows of one name. Lines of this engine and baselines have colours of their own; dashes tell apart
// those whose colours come again.
func newLines(rows []figure) []line {
	var lines []line
	seen := map[string]int{}
	for _, f := range rows {
		i := slices.IndexFunc(lines, func(l line) bool { return l.name == f.Line })
		if i < 0 {
			kind, colours := baseline(f.Ours), 5
			if f.Ours {
				colours = 1
			}
			n := seen[kind]
			seen[kind]++
			i = len(lines)
			lines = append(lines, line{name: f.Line, class: fmt.Sprintf("%s c%d dash%d", kind, n%colours, n/colours%3)})
		}
		lines[i].points = append(lines[i].points, f)
	}
	for _, l := range lines {
		slices.SortStableFunc(l.points, func(a, b figure) int { return cmp.Compare(a.X, b.X) })
	}
	return lines
}

// lineChart is what both widths of the picture share.
type lineChart struct {
	id    string
	study bench.Study
	lines []line
	x, y  scale

	percentiles bool // X is one
}

// labelPitch is the room between the names of two lines.
const labelPitch = 18.0

func (c lineChart) draw(width float64) drawing {
	left, right, top, plot := 0.0, 20.0, 34.0, 300.0
	for _, tick := range c.y.ticks {
		left = max(left, breadth(short(tick))+12)
	}
	names := labelPitch * float64(len(c.lines))
	if width == wide { // names stand behind the ends of their lines, else above the plot
		for _, l := range c.lines {
			right = max(right, min(breadth(l.name)+18, 0.34*wide))
		}
		plot = max(plot, names)
	} else {
		top += names + 6
		plot = 240
	}
	d := newDrawing(c.id, width, top+plot+50)
	d.Title, d.Desc = c.study.Finding, c.described()
	c.x, c.y = c.x.between(left+8, width-right), c.y.between(top+plot, top)
	d.write("title", "start", point{0, letter + 1}, c.y.named(c.study, width))
	c.grid(&d, left)
	// What is ours is drawn last, on top of the others.
	for _, ours := range []bool{false, true} {
		for _, l := range slices.Backward(c.lines) {
			if l.points[0].Ours == ours {
				c.trail(&d, l)
			}
		}
	}
	if width == wide {
		c.label(&d, top+plot)
	} else {
		c.legend(&d)
	}
	return d
}

// grid draws the ticks of both axes and names the lower one.
func (c lineChart) grid(d *drawing, left float64) {
	bottom := c.y.from
	for _, tick := range c.y.ticks {
		at := c.y.at(tick)
		d.path("grid", joined(point{left, at}, point{c.x.to, at}))
		d.write("tick", "end", point{left - 6, at + 4.5}, short(tick))
	}
	d.path("axis", joined(point{left, bottom}, point{c.x.to, bottom}))
	free := -1.0
	for _, tick := range c.x.ticks {
		at, label := c.x.at(tick), c.xLabel(tick)
		half := breadth(label) / 2
		d.path("axis", joined(point{at, bottom}, point{at, bottom + 4}))
		if from := max(0, min(at-half, float64(d.Width)-2*half)); from > free {
			d.write("tick", "middle", point{from + half, bottom + 20}, label)
			free = from + 2*half + 6
		}
	}
	d.write("title", "middle", point{(left + c.x.to) / 2, bottom + 42}, fit(c.study.Axis, c.x.to-left))
}

func (c lineChart) xLabel(x float64) string {
	if c.percentiles && x == 100 {
		return "max"
	}
	if x < 1e5 && x > -1e5 {
		return plain(digits(x, 6))
	}
	return short(x)
}

// trail draws one line: the band of its spread, the line through the medians, a dot on each.
func (c lineChart) trail(d *drawing, l line) {
	var middle, upper, lower []point
	for _, f := range l.points {
		x := c.x.at(f.X)
		middle = append(middle, point{x, c.y.at(f.median)})
		upper = append(upper, point{x, c.y.at(f.most)})
		lower = append(lower, point{x, c.y.at(f.least)})
	}
	if len(middle) == 1 {
		d.path("whisker", joined(upper[0], lower[0])) // a band needs two points
	}
	slices.Reverse(lower)
	d.path("band "+l.class, joined(append(upper, lower...)...)+"Z")
	d.path("line "+l.class, joined(middle...))
	d.path("dot "+l.class, dots(middle...))
	d.tip(l.name)
}

// label writes the name of each line behind its end, moved apart where ends are close.
func (c lineChart) label(d *drawing, bottom float64) {
	type end struct {
		line line
		at   point
		y    float64
	}
	var ends []end
	for _, l := range c.lines {
		last := l.points[len(l.points)-1]
		at := point{c.x.at(last.X), c.y.at(last.median)}
		ends = append(ends, end{l, at, at.y})
	}
	slices.SortStableFunc(ends, func(a, b end) int { return cmp.Compare(a.y, b.y) })
	for i := 1; i < len(ends); i++ {
		ends[i].y = max(ends[i].y, ends[i-1].y+labelPitch)
	}
	for i, limit := len(ends)-1, bottom; i >= 0; i, limit = i-1, limit-labelPitch {
		ends[i].y = min(ends[i].y, limit)
	}
	for _, e := range ends {
		x := c.x.to + 14
		if e.at.x < c.x.to-1 || e.y > e.at.y+4 || e.y < e.at.y-4 {
			d.path("leader", joined(point{e.at.x + 6, e.at.y}, point{x - 3, e.y}))
		}
		d.write("label "+e.line.class, "start", point{x, e.y + 4.5}, fit(e.line.name, float64(d.Width)-x))
	}
}

// legend writes the names above the plot, each behind a piece of its line.
func (c lineChart) legend(d *drawing) {
	for i, l := range c.lines {
		at := point{0, 34 + labelPitch*float64(i)}
		d.path("line "+l.class, joined(at, point{22, at.y}))
		d.write("label "+l.class, "start", point{30, at.y + 4.5}, fit(l.name, float64(d.Width)-30))
	}
}

func (c lineChart) described() string {
	var said []string
	for _, l := range c.lines {
		first, last := l.points[0], l.points[len(l.points)-1]
		said = append(said, fmt.Sprintf("%s: from %s at %s to %s at %s", l.name,
			short(first.median), c.xLabel(first.X), short(last.median), c.xLabel(last.X)))
	}
	return fmt.Sprintf("%s over %s. %s.", c.study.Unit, c.study.Axis, strings.Join(said, "; "))
}
