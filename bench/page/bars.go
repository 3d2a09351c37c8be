package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/orchestrix-go/orchestrix/bench"
)

// barPictures draws the rows that are no points of a line as bars, the best first, with the spread of each. There is none
// when no row has a figure.
func barPictures(id string, s bench.Study, all []figure) []picture {
	rows := slices.DeleteFunc(slices.Clone(all), func(f figure) bool { return f.Line != "" || !f.drawable() })
	if len(rows) == 0 {
		return nil
	}
	slices.SortStableFunc(rows, func(a, b figure) int {
		if s.Less {
			a, b = b, a
		}
		return cmp.Compare(b.median, a.median)
	})
	axis := newScale(reach(rows)).onDecade()
	caption := "Bars end at " + spread(rows, "whiskers")
	return []picture{{
		Caption:  caption,
		Drawings: []drawing{bars(id, wide, s, rows, axis), bars(id, narrow, s, rows, axis)},
	}}
}

func bars(id string, width float64, s bench.Study, rows []figure, axis scale) drawing {
	const (
		top   = 52.0 // the title of the axis and its ticks
		thick = 18.0
	)
	left, pitch, values := 1.0, 50.0, 0.0
	for _, f := range rows {
		values = max(values, breadth(short(f.median)+relation(rows, f)))
	}
	if width == wide { // names stand before the bars, else above them
		for _, f := range rows {
			left = max(left, breadth(f.Name)+14)
		}
		left, pitch = min(left, 0.38*wide), 34
	}
	height := top + pitch*float64(len(rows)) + 4
	axis = axis.between(left, width-values-20)
	d := newDrawing(id, width, height)
	d.Title, d.Desc = s.Finding, described(s, rows)
	d.write("title", "start", point{left, letter + 1}, axis.named(s, width-left))
	d.upright(axis, top-8, height)
	zero := axis.at(0)
	if axis.warp != nil {
		zero = axis.from
	}
	d.path("axis", joined(point{zero, top - 8}, point{zero, height}))
	for i, f := range rows {
		bottom := top + pitch*float64(i+1) - 8
		middle := bottom - thick/2
		class := baseline(f.Ours)
		end := axis.at(f.median)
		d.path("bar "+class, fmt.Sprintf("M%vH%vV%vH%vZ", point{zero, bottom}, px(end), px(bottom-thick), px(zero)))
		d.tip(told(f, s.Unit))
		if len(f.Samples) > 1 {
			line := whisker(point{axis.at(f.least), middle}, point{axis.at(f.most), middle}, 8)
			d.path("halo", line)
			d.path("whisker", line)
		}
		if width == wide {
			d.write("name "+class, "end", point{left - 12, middle + 4.5}, fit(f.Name, left-14))
		} else {
			d.write("name "+class, "start", point{left, bottom - thick - 6}, fit(f.Name, width-left))
		}
		value := point{max(axis.at(f.most), end, zero) + 8, middle + 4.5}
		d.write("value "+class, "start", value, short(f.median))
		value.x += breadth(short(f.median) + " ")
		d.write("relation", "start", value, relation(rows, f))
	}
	return d
}

// relation says how a baseline compares with our row: "2× ours", "1/38 of ours". Nothing when there is no such row.
func relation(rows []figure, f figure) string {
	switch ratio := againstOurs(rows, f); {
	case f.Ours || !usable(ratio) || !usable(1/ratio) || ratio <= 0:
		return ""
	case digits(ratio, 2) == 1:
		return "about ours"
	case ratio >= 0.6:
		return short(digits(ratio, 2)) + "× ours"
	default:
		return "1/" + short(digits(1/ratio, 2)) + " of ours"
	}
}

func baseline(ours bool) string {
	if ours {
		return "ours"
	}
	return "other"
}

// upright draws the ticks of an axis that runs from left to right, leaving out labels that would touch.
func (d *drawing) upright(axis scale, top, bottom float64) {
	free := -1.0
	for _, tick := range axis.ticks {
		at, label := axis.at(tick), short(tick)
		d.path("grid", joined(point{at, top}, point{at, bottom}))
		half := breadth(label) / 2
		from := min(max(at-half, 0), float64(d.Width)-2*half)
		if from > free {
			d.write("tick", "middle", point{from + half, top - 6}, label)
			free = from + 2*half + 6
		}
	}
}

// named says what an axis of the study's unit shows. A unit too long for the room is cut; what follows it is not.
func (s scale) named(study bench.Study, room float64) string {
	said := ""
	if study.Less {
		said += " · less is better"
	}
	if s.warp != nil {
		said += " · logarithmic scale"
	}
	return strings.TrimPrefix(fit(study.Unit, room-breadth(said))+said, " · ")
}

// told is a figure in words.
func told(f figure, unit string) string {
	return strings.TrimSpace(fmt.Sprintf("%s: %s (%s to %s) %s", f.Name, short(f.median), short(f.least), short(f.most), unit))
}

// described says what a picture shows to those who cannot see it. Long ones end with a pointer to the table.
func described(s bench.Study, rows []figure) string {
	const most = 12
	var said []string
	for _, f := range rows[:min(most, len(rows))] {
		said = append(said, told(f, s.Unit))
	}
	if len(rows) > most {
		said = append(said, fmt.Sprintf("%d more are in the table below", len(rows)-most))
	}
	return strings.Join(said, "; ") + "."
}
