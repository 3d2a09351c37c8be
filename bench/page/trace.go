package page

import (
	"fmt"
	"math"
	"slices"

	"github.com/orchestrix-go/orchestrix/bench"
)

// mostDots is how many dots a trace shows: more only make the page larger, not the picture clearer.
const mostDots = 2000

// tracePicture draws the places at which arrivals came out. None has a drawing when nothing arrived.
func tracePicture(id string, t bench.Trace) picture {
	swaps := t.Swaps()
	p := picture{Title: t.Name, Ours: t.Ours, Caption: fmt.Sprintf("%s in %s.", count(swaps, "swap"), count(len(t.Out), "arrival"))}
	if len(t.Out) == 0 {
		return p
	}
	if swaps == 0 {
		p.Caption = fmt.Sprintf("No swap in %s: in sequence.", count(len(t.Out), "arrival"))
	}
	shown, every := thin(t.Out)
	if every > 1 {
		p.Notes = append(p.Notes,
			fmt.Sprintf("Of every %d neighbours, the one furthest from its place is drawn.", every))
	}
	d := scatter(id, t, shown)
	d.Title, d.Desc = t.Name, p.Caption
	p.Drawings = []drawing{d}
	return p
}

// thin chooses the arrivals to draw. Of every so many it takes the one that is furthest off the diagonal, so that what is
// left out is never worse than what is shown.
func thin(out []int) (shown []int, every int) {
	every = max(1, (len(out)+mostDots-1)/mostDots)
	for from := 0; from < len(out); from += every {
		worst := from
		for i := from; i < min(from+every, len(out)); i++ {
			if off(out, i) > off(out, worst) {
				worst = i
			}
		}
		shown = append(shown, worst)
	}
	return shown, every
}

func off(out []int, i int) float64 { return math.Abs(float64(out[i]) - float64(i)) }

func scatter(id string, t bench.Trace, shown []int) drawing {
	const right, top, side = 12.0, 8.0, 290.0
	lo, hi := min(0, float64(slices.Min(t.Out))), max(1, float64(len(t.Out)-1), float64(slices.Max(t.Out)))
	left := max(44, breadth(short(lo))+8, breadth(short(hi))+8)
	d := newDrawing(id, left+side+right, top+side+28)
	place := scale{lo: lo, hi: hi}
	x, y := place.between(left, left+side), place.between(top+side, top)
	d.path("frame", joined(point{left, top}, point{left, top + side}, point{left + side, top + side}))
	d.path("diagonal", joined(point{left, top + side}, point{left + side, top}))
	var places []point
	for _, i := range shown {
		places = append(places, point{x.at(float64(i)), y.at(float64(t.Out[i]))})
	}
	d.path("trace "+baseline(t.Ours), dots(places...))
	d.tip(t.Name)
	for _, at := range []float64{lo, hi} {
		edge, anchor := x.at(at), "start"
		if at == hi {
			anchor = "end"
		}
		d.write("tick", anchor, point{edge, top + side + 18}, short(at))
		d.write("tick", "end", point{left - 6, min(y.at(at)+9, top+side)}, short(at))
	}
	d.write("title", "middle", point{left + side/2, top + side + 18}, "arrived")
	d.write("title turned", "middle", point{left - 18, top + side/2}, "appended")
	return d
}
