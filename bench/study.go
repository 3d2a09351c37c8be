package bench

import (
	"math"
	"slices"
)

// A Study is one table of an experiment: the same work done in several ways, measured side by side in one run, and what follows.
type Study struct {
	Name    string   `json:"name"`              // of its own: "latency-closed"; the experiment has the name on the command line
	Finding string   `json:"finding"`           // what was found, as one sentence: the title of its picture
	Work    string   `json:"work"`              // what every way does, so that the figures can be compared
	Unit    string   `json:"unit"`              // of every sample: "commands/s", "ms"
	Less    bool     `json:"less,omitempty"`    // less is better
	Axis    string   `json:"axis,omitempty"`    // what X is when the rows are points of a line: "commands in flight"
	Columns []string `json:"columns,omitempty"` // what was counted besides, with its unit: "allocations/command"
	Rows    []Row    `json:"rows,omitempty"`
	Traces  []Trace  `json:"traces,omitempty"`
	Checks  []Check  `json:"checks,omitempty"`
	Notes   []string `json:"notes,omitempty"` // what a reader has to know to read the figures rightly
}

// Row is what one way of doing the work came to.
type Row struct {
	Name    string    `json:"name"`
	Line    string    `json:"line,omitempty"` // rows of one line are joined in a picture, in the sequence of X
	X       float64   `json:"x,omitempty"`
	Ours    bool      `json:"ours,omitempty"` // it is this engine, not a baseline
	Samples []float64 `json:"samples"`        // one for each repetition, in Study.Unit, in the sequence of measuring
	Columns []float64 `json:"columns,omitempty"`
}

// Median of the samples; not a number when there are none.
func (r Row) Median() float64 { return r.quantile(0.5) }

// Spread gives the smallest and the largest sample.
func (r Row) Spread() (least, most float64) { return r.quantile(0), r.quantile(1) }

func (r Row) quantile(q float64) float64 {
	if len(r.Samples) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(r.Samples))
	at := q * float64(len(sorted)-1)
	below, above := sorted[int(math.Floor(at))], sorted[int(math.Ceil(at))]
	return below + (above-below)*(at-math.Floor(at))
}

// Trace is the sequence in which things came out against the sequence in which they went in: a diagonal when the two are
// the same. Out[i] is the place at which the i-th arrival came out.
type Trace struct {
	Name string `json:"name"`
	Ours bool   `json:"ours,omitempty"`
	Out  []int  `json:"out"`
}

// Swaps counts the neighbours that came out the wrong way round.
func (t Trace) Swaps() int {
	swaps := 0
	for i := 1; i < len(t.Out); i++ {
		if t.Out[i] < t.Out[i-1] {
			swaps++
		}
	}
	return swaps
}

// Check is a figure held against its bar.
type Check struct {
	Name   string  `json:"name"` // as in "ours / hand-written lanes"
	Value  float64 `json:"value"`
	Bar    float64 `json:"bar"`
	AtMost bool    `json:"at_most,omitempty"` // the value must not be above the bar; otherwise not below it
	OK     bool    `json:"ok"`
}

// AtLeast checks that the value is not below the bar. What is not a number does not pass.
func AtLeast(name string, value, bar float64) Check {
	return Check{Name: name, Value: value, Bar: bar, OK: value >= bar}
}

// AtMost checks that the value is not above the bar. What is not a number does not pass.
func AtMost(name string, value, bar float64) Check {
	return Check{Name: name, Value: value, Bar: bar, AtMost: true, OK: value <= bar}
}

// Row gives the row of this name, or one without samples.
func (s *Study) Row(name string) Row {
	if i := slices.IndexFunc(s.Rows, func(r Row) bool { return r.Name == name }); i >= 0 {
		return s.Rows[i]
	}
	return Row{Name: name}
}

// Ratio is the median of one row over the median of another.
func (s *Study) Ratio(over, under string) float64 {
	return s.Row(over).Median() / s.Row(under).Median()
}

// OK tells whether every check passed.
func (s *Study) OK() bool {
	return !slices.ContainsFunc(s.Checks, func(c Check) bool { return !c.OK })
}
