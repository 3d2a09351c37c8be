package simulate

import "time"

// dice gives numbers that follow from the seed and from what they are asked for, and from nothing else.
type dice uint64

// bits is 64 random bits for the n-th time that something is asked for a spot.
func (d dice) bits(at spot, n int) uint64 {
	h := uint64(d)
	for _, part := range [...]int{int(at.place), at.number, at.time, n} {
		h = mixed(h ^ uint64(part)*0xd6e8feb86659fd93)
	}
	return h
}

// mixed is the finish of splitmix64: every bit of what goes in changes half of those that come out.
func mixed(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// part is a number from 0 to less than 1.
func (d dice) part(at spot, n int) float64 {
	return float64(d.bits(at, n)>>11) / (1 << 53)
}

// below is a number from 0 to less than most.
func (d dice) below(most int, at spot, n int) int {
	return int(d.bits(at, n) % uint64(most))
}

// upTo is a duration from 0 to most.
func (d dice) upTo(most time.Duration, at spot, n int) time.Duration {
	return time.Duration(d.part(at, n) * float64(most))
}

// A hat is dice that are asked for one thing after another. Each draw has a number of its own.
type hat struct {
	dice
	drawn int
}

// pick draws one of several.
func pick[T any](h *hat, from ...T) T {
	h.drawn++
	return from[h.below(len(from), spot{}, h.drawn)]
}

// whether is true so often.
func (h *hat) whether(p float64) bool {
	h.drawn++
	return h.part(spot{}, h.drawn) < p
}

// number draws one from 0 to less than n.
func (h *hat) number(n int) int {
	h.drawn++
	return h.below(n, spot{}, h.drawn)
}
