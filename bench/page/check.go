package page

import (
	"fmt"

	"github.com/orchestrix-go/orchestrix/bench"
)

// bar is a check as the page shows it: in words and, where there is something to draw, the value against its bar.
type bar struct {
	Name, Value, Bar string
	OK               bool
	Drawings         []drawing
}

func newBar(c bench.Check) bar {
	side := "at least "
	if c.AtMost {
		side = "at most "
	}
	b := bar{Name: c.Name, Value: short(c.Value), Bar: side + short(c.Bar), OK: c.OK}
	if usable(c.Value) && usable(c.Bar) && c.Value >= 0 && c.Bar > 0 {
		b.Drawings = []drawing{bullet(c)}
	}
	return b
}

// bullet draws the value as a bar and its bar as an upright line in the middle. A value beyond twice its bar ends in an
// arrow.
func bullet(c bench.Check) drawing {
	const width, height, thick, arrow = 120.0, 16.0, 8.0, 6.0
	d := newDrawing("", width, height)
	axis := scale{lo: 0, hi: 2 * c.Bar}.between(0, width-arrow)
	class, upper, lower := "kept", (height-thick)/2, (height+thick)/2
	if !c.OK {
		class = "missed"
	}
	end := axis.at(c.Value)
	tip := end
	if c.Value > axis.hi {
		tip += arrow
	}
	d.path("ground", fmt.Sprintf("M0 %vH%vV%vH0Z", px(upper), px(axis.to), px(lower)))
	d.path("fill "+class, joined(
		point{0, upper}, point{end, upper}, point{tip, height / 2}, point{end, lower}, point{0, lower})+"Z")
	d.path("mark", joined(point{axis.at(c.Bar), 1}, point{axis.at(c.Bar), height - 1}))
	return d
}
