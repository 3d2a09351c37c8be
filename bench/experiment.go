package bench

import "context"

// An Experiment makes one or more studies.
type Experiment struct {
	Name  string // as on the command line
	Short string // what it measures, in one line
	Run   func(ctx context.Context, effort Effort) ([]Study, error)
}

// Effort says how much work an experiment takes on. The zero value is a full measurement.
type Effort struct {
	// Runs of each way. Zero means 5.
	Runs int
	// Quick does a tenth of the work: enough for a picture, not for a figure to quote.
	Quick bool
}

func (e Effort) runs() int {
	if e.Runs == 0 {
		return 5
	}
	return e.Runs
}

// size is how many things a full measurement of n does with this effort.
func (e Effort) size(n int) int {
	if e.Quick {
		return max(1, n/10)
	}
	return n
}
