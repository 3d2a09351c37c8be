package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// A Way is one way of doing the work of a study.
type Way struct {
	Name string
	Line string // see Row
	X    float64
	Ours bool
	// Run does the work once (a Warm way: twice), from a fresh start, and says what was measured.
	Run func(ctx context.Context) (Sample, error)
}

// Sample is what one repetition measured: the value in the study's unit, and one figure for each of its columns.
type Sample struct {
	Value   float64
	Columns []float64
}

// Measure runs every way as often as runs says, taking turns, after one round that is not counted. The garbage of one is
// collected before the next begins. Columns are medians.
func Measure(ctx context.Context, runs int, ways []Way) ([]Row, error) {
	rows, columns := make([]Row, len(ways)), make([][][]float64, len(ways))
	for i, w := range ways {
		rows[i] = Row{Name: w.Name, Line: w.Line, X: w.X, Ours: w.Ours}
	}
	for run := range runs + 1 {
		for i, w := range ways {
			told(ctx, w.Name, run+1, runs+1)
			runtime.GC()
			sample, err := w.Run(ctx)
			if ctx.Err() != nil {
				err = ctx.Err() // whatever the way made of it, its figure is none
			}
			if err != nil {
				return nil, fmt.Errorf("bench: %s: %w", w.Name, err)
			}
			if run > 0 {
				rows[i].Samples = append(rows[i].Samples, sample.Value)
				columns[i] = append(columns[i], sample.Columns)
			}
		}
	}
	for i, samples := range columns {
		for c := range samples[0] {
			of := make([]float64, len(samples))
			for run := range samples {
				of[run] = samples[run][c]
			}
			rows[i].Columns = append(rows[i].Columns, Row{Samples: of}.Median())
		}
	}
	return rows, nil
}

// Warm gives ways each run of which does the work twice, and the second time counts: the memory is then as the way itself
// has left it. Where the work takes a tenth of a second, a way that comes behind a more frugal one would fetch pages from
// the system while the clock runs (it cost the first way a fifth of its rate).
func Warm(ways []Way) []Way {
	warm := slices.Clone(ways)
	for i, w := range ways {
		warm[i].Run = func(ctx context.Context) (Sample, error) {
			if _, err := w.Run(ctx); err != nil || ctx.Err() != nil {
				return Sample{}, err
			}
			runtime.GC()
			return w.Run(ctx)
		}
	}
	return warm
}

// Rate runs work that does n things, and gives things a second, with the allocations and the bytes allocated for each as
// its columns.
func Rate(n int, work func() error) (Sample, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	err := work()
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	each := func(total uint64) float64 { return float64(total) / float64(n) }
	return Sample{
		Value:   float64(n) / took.Seconds(),
		Columns: []float64{each(after.Mallocs - before.Mallocs), each(after.TotalAlloc - before.TotalAlloc)},
	}, err
}

// RateColumns names the columns of Rate for things of one kind, as in "command".
func RateColumns(of string) []string {
	return []string{"allocations/" + of, "bytes/" + of}
}
