package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orchestrix-go/orchestrix/bench"
)

// callers are the peers in the study of calls, each with its number of calls.
var callers = []struct {
	setup
	most int
}{
	{ourDo, 20_000},
	{actorRequests, 20_000},
	{millBlocking, 5000},
	{horizon, 5000},
	{goesUse, 500},
	{goesBus, 500},
}

// callEvents is how many events an aggregate gets in the study of calls.
const callEvents = 20

// calls measures one call after another that each return when their event is stored.
func calls(ctx context.Context, e effort) (bench.Study, error) {
	var ways []bench.Way
	for _, c := range callers {
		n := e.size(c.most)
		w := bench.NewWorkload(n, n/callEvents)
		ways = append(ways, bench.Way{Name: c.name, Ours: c.name == ourDo.name, Run: c.call(w)})
	}
	rows, err := bench.Measure(ctx, e.runs, ways)
	if err != nil {
		return bench.Study{}, err
	}
	s := bench.Study{
		Name: "peers-call", Unit: "µs", Less: true, Rows: rows, Columns: []string{"p99 µs", "out of sequence", "lost", "calls"},
		Work: fmt.Sprintf("one goroutine sends a command and waits until its event is stored in memory, again and again, "+
			"%d for each aggregate; the median call", callEvents),
		Notes: []string{"The call of Watermill is a publish that blocks until the handler has acknowledged; it carries no answer."},
	}
	s.Finding = fmt.Sprintf("A call that waits for its event takes %.1f µs: Proto.Actor takes %.1f times that, Watermill %.1f times, "+
		"Event Horizon %.1f times", s.Row(ourDo.name).Median(), s.Ratio(actorRequests.name, ourDo.name),
		s.Ratio(millBlocking.name, ourDo.name), s.Ratio(horizon.name, ourDo.name))
	return s, nil
}

// call times every call on a new ledger. Its value is the median in µs.
func (s setup) call(w *bench.Workload) func(ctx context.Context) (bench.Sample, error) {
	return patient(func(ctx context.Context) (bench.Sample, error) {
		l, err := s.open(ctx, w)
		if err != nil {
			return bench.Sample{}, err
		}
		took := make([]time.Duration, w.Commands())
		for i := range took {
			began := time.Now()
			err = errors.Join(err, l.send(ctx, i))
			took[i] = time.Since(began)
		}
		err = errors.Join(err, l.wait(ctx))
		v := judge(l, w.Commands())
		slices.Sort(took)
		micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
		return bench.Sample{
			Value:   micros(took[len(took)/2]),
			Columns: []float64{micros(took[len(took)*99/100]), float64(v.broken + v.swapped), float64(v.lost), float64(len(took))},
		}, errors.Join(err, l.close())
	})
}
