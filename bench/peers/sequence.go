package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/orchestrix-go/orchestrix/bench"
)

const (
	traceCommands = 500
	traceAccounts = 5
)

// sequence draws arrival against append. It has one size, whatever the effort.
func sequence(ctx context.Context, e effort) (bench.Study, error) {
	w := bench.NewWorkload(traceCommands, traceAccounts)
	s := bench.Study{
		Name: "peers-sequence", Unit: "swaps", Less: true,
		Work: fmt.Sprintf("%d commands over %d aggregates in turn, from one goroutine that does not wait; swaps are neighbours of "+
			"an aggregate that stand in the store the wrong way round", traceCommands, traceAccounts),
		Notes: []string{
			fmt.Sprintf("The diagrams show the last run, one aggregate behind the other, %d commands each: between aggregates there "+
				"is no sequence to keep.", traceCommands/traceAccounts),
			"Watermill's channels keep the sequence when the publisher blocks until the acknowledgement, and take one at a time then.",
		},
		Traces: []bench.Trace{{Name: ourSend.name, Ours: true}, {Name: millAsync.name}},
	}
	var err error
	s.Rows, err = bench.Measure(ctx, e.runs, []bench.Way{
		{Name: ourSend.name, Ours: true, Run: ourSend.traced(w, &s.Traces[0])},
		{Name: millAsync.name, Run: millAsync.traced(w, &s.Traces[1])},
	})
	if err != nil {
		return bench.Study{}, err
	}
	_, worst := s.Row(ourSend.name).Spread()
	s.Checks = []bench.Check{bench.AtMost("Orchestrix, swaps in the worst run", worst, 0)}
	s.Finding = fmt.Sprintf("Events stand as their commands arrived: %.0f swaps among %d, against %.0f by Watermill's publish",
		s.Row(ourSend.name).Median(), traceCommands, s.Row(millAsync.name).Median())
	return s, nil
}

// traced runs a workload through a new ledger and keeps the sequence of what it stored.
func (s setup) traced(w *bench.Workload, trace *bench.Trace) func(ctx context.Context) (bench.Sample, error) {
	return patient(func(ctx context.Context) (bench.Sample, error) {
		l, err := s.open(ctx, w)
		if err != nil {
			return bench.Sample{}, err
		}
		for i := range w.Commands() {
			err = errors.Join(err, l.send(ctx, i))
		}
		if err = errors.Join(err, l.wait(ctx)); err != nil {
			return bench.Sample{}, errors.Join(err, l.close())
		}
		trace.Out, err = places(w, l)
		return bench.Sample{Value: float64(trace.Swaps())}, errors.Join(err, l.close())
	})
}

// places says for each command at which place of its account its event stands. The commands are those of the first
// account, then those of the second, and so on, each in the sequence of arrival.
func places(w *bench.Workload, l ledger) ([]int, error) {
	each := w.Commands() / w.Accounts()
	first, next := map[string]int{}, map[string]int{}
	for a := range w.Accounts() {
		name, _ := w.Command(a)
		first[name] = a * each
	}
	out := make([]int, w.Commands())
	found := 0
	for e := range l.stored() {
		out[first[e.Account]+int(e.Number)-1] = first[e.Account] + next[e.Account]
		next[e.Account]++
		found++
	}
	if found != len(out) {
		return nil, fmt.Errorf("peers: %d events are stored, not %d", found, len(out))
	}
	return out, nil
}
