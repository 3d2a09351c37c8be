package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/orchestrix-go/orchestrix/bench"
)

// crowds are the peers in the study of one aggregate.
var crowds = []setup{ourSend, actors, millAsync, millBlocking, horizon, horizonLocked, goesUse}

// crowd sends a thousand commands to one aggregate at once.
func crowd(ctx context.Context, e effort) (bench.Study, error) {
	w := bench.NewWorkload(e.size(1000), 1)
	var ways []bench.Way
	for _, c := range crowds {
		ways = append(ways, bench.Way{Name: c.name, Ours: c.name == ourSend.name, Run: c.rush(w)})
	}
	rows, err := bench.Measure(ctx, e.runs, ways)
	if err != nil {
		return bench.Study{}, err
	}
	s := bench.Study{
		Name: "peers-one-aggregate", Unit: "accepted", Rows: rows, Columns: []string{"rejected", "reordered", "lost"},
		Work: fmt.Sprintf("%d commands for one aggregate, sent at once; how many are accepted, and where their events stand", w.Commands()),
		Notes: []string{
			"Where sending does not block, one goroutine sends them one behind the other. Where it blocks, each has a goroutine; " +
				"those have no sequence, so only versions that are missing or there twice count as reordered.",
			"The store in memory of goes does not compare versions: commands at the same time get the same version.",
			"To refuse a command because another was faster is right where versions are expected, and the caller may send it " +
				"again: none of these does it for him.",
			"The command bus of goes is left out: with so many dispatches at once it stands still for minutes.",
			"Lost are commands that were accepted and whose event is not stored.",
		},
	}
	row := s.Row(ourSend.name)
	s.Checks = []bench.Check{
		bench.AtLeast("Orchestrix, accepted of all", row.Median()/float64(w.Commands()), 1),
		bench.AtMost("Orchestrix, rejected, reordered or lost", row.Columns[0]+row.Columns[1]+row.Columns[2], 0),
	}
	s.Finding = fmt.Sprintf("%d commands at once for one aggregate: %.0f accepted in sequence; Event Horizon accepts %.0f, goes %.0f",
		w.Commands(), row.Median(), s.Row(horizon.name).Median(), s.Row(goesUse.name).Median())
	return s, nil
}

// rush sends all commands at once to a new ledger.
func (s setup) rush(w *bench.Workload) func(ctx context.Context) (bench.Sample, error) {
	return patient(func(ctx context.Context) (bench.Sample, error) {
		l, err := s.open(ctx, w)
		if err != nil {
			return bench.Sample{}, err
		}
		refused := make([]error, w.Commands())
		var senders sync.WaitGroup
		for i := range refused {
			if s.blocks {
				senders.Go(func() { refused[i] = l.send(ctx, i) })
			} else {
				refused[i] = l.send(ctx, i)
			}
		}
		senders.Wait()
		accepted := 0
		for _, err := range refused {
			if err == nil {
				accepted++
			}
		}
		if !s.blocks {
			err = l.wait(ctx)
		}
		v := judge(l, accepted)
		reordered := v.broken
		if !s.blocks {
			reordered += v.swapped
		}
		return bench.Sample{
			Value:   float64(accepted),
			Columns: []float64{float64(len(refused) - accepted), float64(reordered), float64(v.lost)},
		}, errors.Join(err, l.close())
	})
}
