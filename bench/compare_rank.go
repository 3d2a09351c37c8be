package bench

import (
	"math"
	"slices"
)

// exactUpTo is how many samples in all are few enough to count every way of dealing them out. Beyond, the normal
// approximation is near enough.
const exactUpTo = 40

// mannWhitney gives the probability that two samples of one and the same population differ in their ranks as much as a
// and b do: the two-sided Mann-Whitney U test (Mann and Whitney, 1947). It assumes nothing about the shape of the
// population, and one wild sample has the weight of one rank. Ties share their mean rank.
func mannWhitney(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	ranks, sum := doubleRanks(a, b)
	mean := len(a) * (len(ranks) + 1)
	off := max(sum-mean, mean-sum)
	if len(ranks) <= exactUpTo {
		return tailExact(ranks, len(a), off)
	}
	return tailNormal(ranks, len(a), off)
}

// doubleRanks gives twice the rank of every sample, so that the rank of a tie is a whole number too, and the sum of those
// of a.
func doubleRanks(a, b []float64) (ranks []int, sumA int) {
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	of := func(v float64) int {
		first, _ := slices.BinarySearch(all, v)
		after := first + 1
		for after < len(all) && all[after] == v {
			after++
		}
		return first + 1 + after
	}
	for _, v := range all {
		ranks = append(ranks, of(v))
	}
	for _, v := range a {
		sumA += of(v)
	}
	return ranks, sumA
}

// tailExact counts the choices of n ranks whose sum is off its mean by so much or more, among all choices.
func tailExact(ranks []int, n, off int) float64 {
	most := 0
	for _, r := range ranks {
		most += r
	}
	ways := make([][]float64, n+1) // by how many are chosen, by their sum; below 2^53, so every count is exact
	for k := range ways {
		ways[k] = make([]float64, most+1)
	}
	ways[0][0] = 1
	for _, r := range ranks {
		for k := n; k > 0; k-- {
			for sum := most; sum >= r; sum-- {
				ways[k][sum] += ways[k-1][sum-r]
			}
		}
	}
	mean, tail, all := n*(len(ranks)+1), 0.0, 0.0
	for sum, w := range ways[n] {
		all += w
		if max(sum-mean, mean-sum) >= off {
			tail += w
		}
	}
	return tail / all
}

// tailNormal is the normal approximation of tailExact, corrected for ties and for continuity.
func tailNormal(ranks []int, n, off int) float64 {
	all := float64(len(ranks))
	ties := 0.0
	for i := 0; i < len(ranks); {
		same := i
		for same < len(ranks) && ranks[same] == ranks[i] {
			same++
		}
		t := float64(same - i)
		ties += t*t*t - t
		i = same
	}
	variance := float64(n) * (all - float64(n)) / 12 * (all + 1 - ties/(all*(all-1)))
	if variance <= 0 {
		return 1 // all samples are equal
	}
	z := max(0, float64(off)/2-0.5) / math.Sqrt(variance)
	return math.Erfc(z / math.Sqrt2)
}

// smallestP is the p of two samples of these sizes that lie wholly apart: no test of ranks gives less.
func smallestP(n, m int) float64 {
	p := 2.0
	for i := 1; i <= m; i++ {
		p *= float64(i) / float64(n+i)
	}
	return min(1, p)
}
