package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	sequenceCommands = 1000
	sequenceWait     = 2 * time.Millisecond // the longest that a handler waits
)

// Names of the rows of the sequence study.
const (
	sequenceOurs  = "Orchestrix"
	sequenceNaive = "a goroutine per command + a store with a mutex"
)

// Sequence draws the sequence in which the commands of one aggregate arrived against the sequence in which their events
// stand in the store, while their handlers wait for random times: by this engine, and by the code that is written first
// when handlers have to run at once. The two get the same commands with the same waits. One size, whatever the effort.
func Sequence(ctx context.Context, effort Effort) ([]Study, error) {
	return sequenceOf(ctx, effort, sequenceCommands)
}

func sequenceOf(ctx context.Context, effort Effort, commands int) ([]Study, error) {
	w := NewWorkload(commands, 1)
	rng := rand.New(rand.NewPCG(1, 2)) // the same waits in every report
	waits, sum := make([]time.Duration, commands), time.Duration(0)
	for i := range waits {
		waits[i] = time.Duration(rng.Int64N(int64(sequenceWait)))
		sum += waits[i]
	}
	s := Study{
		Name: "sequence", Unit: "swaps", Less: true, Columns: []string{"ms"},
		Work: fmt.Sprintf("%d commands of one aggregate, one event each, with handlers that wait up to %v; swaps are neighbours "+
			"that stand in the store the wrong way round", commands, sequenceWait),
		Traces: []Trace{{Name: sequenceOurs, Ours: true}, {Name: sequenceNaive}},
		Notes: []string{fmt.Sprintf("The waits of all handlers together are %v: both ways overlap them. The diagrams show the last run.",
			sum.Round(time.Millisecond))},
	}
	var err error
	s.Rows, err = Measure(ctx, effort.runs(), []Way{
		{Name: sequenceOurs, Ours: true, Run: traced(w, &s.Traces[0], waits, inPipeline)},
		{Name: sequenceNaive, Run: traced(w, &s.Traces[1], waits, inGoroutines)},
	})
	if err != nil {
		return nil, err
	}
	ours, naive := s.Row(sequenceOurs).Median(), s.Row(sequenceNaive).Median()
	_, worst := s.Row(sequenceOurs).Spread()
	s.Checks = []Check{
		AtMost("Orchestrix, swaps in the worst run", worst, 0),
		AtLeast("goroutine per command, swaps", naive, 1),
	}
	s.Finding = fmt.Sprintf("Handlers run at once and return out of turn, and the events stand as the commands arrived: "+
		"%.0f swaps among %d, against %.0f by a goroutine per command", ours, commands, naive)
	return []Study{s}, nil
}
