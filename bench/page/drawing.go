package page

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The widths that pictures are drawn for. A picture that is only made smaller has letters too small to read, so each is
// drawn twice and the style sheet shows the one that suits the screen.
const (
	wide   = 760
	narrow = 360
)

const letter = 13.0 // the height of letters in a picture, as in style.css

// drawing is one SVG: marks in a view box. Colours and fonts are in style.css, by the class of a mark.
type drawing struct {
	ID, Class, Title, Desc string
	Width, Height          px
	Marks                  []mark
}

// mark is a path, or a text at a place.
type mark struct {
	Class  string
	Path   string
	Text   string
	X, Y   px
	Anchor string // of the text: start, middle or end
	Tip    string // shown when the pointer rests on it
}

func newDrawing(id string, width, height float64) drawing {
	class := "small"
	switch width {
	case wide:
		class = "wide"
	case narrow:
		class = "narrow"
	}
	return drawing{ID: id + "-" + class, Class: class, Width: px(width), Height: px(height)}
}

func (d *drawing) path(class, path string) {
	d.Marks = append(d.Marks, mark{Class: class, Path: path})
}

// write puts a text beside a place. The anchor is the side of the text that is at the place.
func (d *drawing) write(class, anchor string, at point, text string) {
	d.Marks = append(d.Marks, mark{Class: class, Text: text, X: px(at.x), Y: px(at.y), Anchor: anchor})
}

// tip explains the mark drawn last.
func (d *drawing) tip(text string) { d.Marks[len(d.Marks)-1].Tip = text }

// px is a length in a drawing, written with one digit behind the point.
type px float64

// String rounds to a tenth.
func (v px) String() string { return strconv.FormatFloat(math.Round(float64(v)*10)/10+0, 'f', -1, 64) }

type point struct{ x, y float64 }

func (p point) String() string { return px(p.x).String() + " " + px(p.y).String() }

// joined is a path through the points.
func joined(points ...point) string {
	var b strings.Builder
	for i, p := range points {
		b.WriteByte("ML"[min(i, 1)])
		b.WriteString(p.String())
	}
	return b.String()
}

// dots is a path of round dots: the style sheet gives its lines of no length round ends.
func dots(points ...point) string {
	var b strings.Builder
	for _, p := range points {
		b.WriteString("M" + p.String() + "h0")
	}
	return b.String()
}

// whisker is a line across from one point to another on the same height, with ends of the given height.
func whisker(from, to point, end float64) string {
	return joined(from, to) +
		joined(point{from.x, from.y - end/2}, point{from.x, from.y + end/2}) +
		joined(point{to.x, to.y - end/2}, point{to.x, to.y + end/2})
}

// breadth estimates how much room a text takes in a picture. Fonts differ, so it is on the large side.
func breadth(s string) float64 {
	sum := 0.0
	for _, r := range s {
		if r < 0x1100 {
			sum += 0.57 * letter
		} else {
			sum += 1.05 * letter // an ideograph is as wide as it is high
		}
	}
	return sum
}

// fit cuts a text that needs more room than there is. All of it is in the table.
func fit(s string, room float64) string {
	if breadth(s) <= room {
		return s
	}
	for s != "" && breadth(s+"…") > room {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return strings.TrimSpace(s) + "…"
}
