package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// scaleAggregates measures throughput against the number of aggregates: up to ten times as many as n.
func scaleAggregates(ctx context.Context, runs, n int) (Study, error) {
	study := Study{
		Name: "scale-aggregates", Unit: "commands/s", Axis: "aggregates", Columns: costColumns,
		Work: fmt.Sprintf("%s commands in memory, or one for each aggregate when they are more, to one aggregate after the "+
			"other, decided on the state of their aggregate, one event each", Quantity(float64(n), "")),
		Notes: []string{
			"Commands go round all aggregates in turn: the hardest mixture for whoever works in batches of an aggregate.",
			"With as many aggregates as commands or more, the lane, the stream and the state of each are made for one command.",
			"The row with the most aggregates has at most three repetitions, because each takes long.",
		},
	}
	registry := decidedTally()
	var ways []Way
	for aggregates := 1; aggregates <= 10*n; aggregates *= 10 {
		load := tallyLoad{registry: registry, n: max(n, aggregates), aggregates: aggregates}
		ways = append(ways, Way{
			Name: "aggregates = " + strconv.Itoa(aggregates), Line: "default options", X: float64(aggregates), Ours: true,
			Run: load.cost,
		})
	}
	last := len(ways) - 1
	var err error
	if study.Rows, err = Measure(ctx, runs, ways[:last]); err != nil {
		return study, err
	}
	long, err := Measure(ctx, min(runs, 3), ways[last:])
	if err != nil {
		return study, err
	}
	study.Rows = append(study.Rows, long...)
	least, most := study.Rows[0], study.Rows[0]
	for _, row := range study.Rows {
		if row.Median() < least.Median() {
			least = row
		}
		if row.Median() > most.Median() {
			most = row
		}
	}
	study.Finding = fmt.Sprintf("A single hot stream takes %s; from 1 to %s aggregates the cost of a command stays within %.2g times",
		Quantity(study.Rows[0].Median(), study.Unit),
		Quantity(study.Rows[len(study.Rows)-1].X, ""), most.Median()/least.Median())
	return study, nil
}

// scaleSkew measures throughput when the commands are not spread evenly.
func scaleSkew(ctx context.Context, runs, n int) (Study, error) {
	const aggregates = 10_000
	study := Study{
		Name: "scale-skew", Unit: "commands/s", Columns: costColumns,
		Work: fmt.Sprintf("%s commands over %s aggregates in memory, decided on the state of their aggregate, one event each",
			Quantity(float64(n), ""), Quantity(aggregates, "")),
		Notes: []string{"Which command goes where follows from a fixed seed. Zipf with s = 1.1: the k-th aggregate has 1/k^1.1 " +
			"times the commands of the first."},
	}
	// A fixed seed, so that every run does the same.
	rng := rand.New(rand.NewPCG(1, 1))
	zipf := rand.NewZipf(rng, 1.1, 1, aggregates-1)
	registry := decidedTally()
	var ways []Way
	for _, way := range []struct {
		name string
		next func() int
	}{
		{"even", func() int { return rng.IntN(aggregates) }},
		{"Zipf, s = 1.1", func() int { return int(zipf.Uint64()) }},
		{"half of them to one aggregate", func() int { return rng.IntN(2) * rng.IntN(aggregates) }},
		{"all of them to one aggregate", func() int { return 0 }},
	} {
		targets := make([]int, n)
		for i := range targets {
			targets[i] = way.next()
		}
		load := tallyLoad{registry: registry, n: n, aggregates: aggregates, to: func(i int) int { return targets[i] }}
		ways = append(ways, Way{Name: way.name, Ours: true, Run: load.cost})
	}
	var err error
	if study.Rows, err = Measure(ctx, runs, ways); err != nil {
		return study, err
	}
	study.Finding = fmt.Sprintf("Zipf has %.2g times, one hot aggregate %.2g times the throughput of an even spread",
		study.Ratio("Zipf, s = 1.1", "even"), study.Ratio("all of them to one aggregate", "even"))
	return study, nil
}
