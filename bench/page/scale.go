package page

import (
	"math"
	"slices"
)

// apart is how many times the smallest value the largest has to be for a logarithmic axis: below that, lengths that are
// true to the values still show them all.
const apart = 30

// scale maps values to places along an axis. Whatever is given, the place is between from and to.
type scale struct {
	lo, hi   float64
	from, to float64
	ticks    []float64
	warp     func(float64) float64 // linear when nil
}

// newScale makes the axis for values from lo to hi: from zero, or logarithmic when they are far apart.
func newScale(lo, hi float64) scale {
	if lo > 1e-290 && hi > apart*lo {
		return logarithmic(lo, hi)
	}
	lo, hi = min(lo, 0), max(hi, 0)
	if lo == hi {
		hi = lo + 1
	}
	return scale{lo: lo, hi: hi, ticks: steps(lo, hi, 6)}
}

// logarithmic makes the axis for values above zero.
func logarithmic(lo, hi float64) scale {
	return scale{lo: lo / 1.5, hi: hi * 1.2, warp: math.Log10}.decades()
}

// decades puts a tick on every power of ten, on every n-th when they are many, and on 2 and 5 too when they are few.
func (s scale) decades() scale {
	first, last := int(math.Floor(math.Log10(s.lo))), int(math.Ceil(math.Log10(s.hi)))
	steps, every := []float64{1}, 1+(last-first)/8
	if last-first <= 2 {
		steps = []float64{1, 2, 5}
	}
	for e := first; e <= last; e += every {
		for _, step := range steps {
			if at := step * math.Pow10(e); at >= s.lo*0.999 && at <= s.hi {
				s.ticks = append(s.ticks, at)
			}
		}
	}
	return s
}

// onDecade begins the axis on a power of ten, for bars: they have to begin somewhere that has a name.
func (s scale) onDecade() scale {
	if s.warp == nil {
		return s
	}
	s.lo, s.ticks = math.Pow10(int(math.Floor(math.Log10(s.lo)))), nil
	return s.decades()
}

// between says where on the page the axis runs.
func (s scale) between(from, to float64) scale {
	s.from, s.to = from, to
	return s
}

// at gives the place of a value.
func (s scale) at(v float64) float64 {
	lo, hi := s.lo, s.hi
	if s.warp != nil {
		v, lo, hi = s.warp(v), s.warp(lo), s.warp(hi)
	}
	part := (v - lo) / (hi - lo)
	if math.IsNaN(part) {
		part = 0
	}
	return s.from + min(max(part, 0), 1)*(s.to-s.from)
}

// steps divides an axis into at most n steps of 1, 2 or 5 times a power of ten.
func steps(lo, hi float64, n int) []float64 {
	raw := (hi - lo) / float64(n)
	step := raw
	for _, times := range []float64{10, 5, 2, 1} {
		if s := times * math.Pow(10, math.Floor(math.Log10(raw))); s >= raw {
			step = s
		}
	}
	var all []float64
	for i := range n + 2 {
		if at := step * (math.Ceil(lo/step) + float64(i)); at <= hi {
			all = append(all, at)
		}
	}
	return all
}

// along makes the axis on which points stand side by side: their X in powers of two when they are far apart, percentiles
// by how rare they are (99 and 99.9 as far apart as 90 and 99), everything else as it is.
func along(xs []float64, percentiles bool) scale {
	xs = slices.Compact(slices.Sorted(slices.Values(xs)))
	s := scale{lo: xs[0], hi: xs[len(xs)-1], ticks: xs}
	switch {
	case percentiles:
		s.warp = rarity(xs)
	case s.lo > 1e-290 && s.hi > 16*s.lo:
		s.warp = math.Log2
	}
	if s.warp == nil && len(xs) > 8 {
		s.ticks = steps(s.lo, s.hi, 6)
	}
	return s
}

// rarity gives the logarithm of one in how many is beyond a percentile. None is beyond the hundredth: it stands one step
// behind the last that has a place.
func rarity(xs []float64) func(float64) float64 {
	beyond := func(p float64) float64 { return -math.Log10(1 - p/100) }
	last := 0.0
	for _, x := range xs {
		if x < 100 {
			last = max(last, beyond(x))
		}
	}
	return func(p float64) float64 { return min(beyond(p), last+0.8) }
}
