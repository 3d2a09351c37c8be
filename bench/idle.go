package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// fewAggregates is what many aggregates are compared with, and how many commands each of the few gets.
const (
	fewAggregates = 1000
	fewCommands   = 100
)

// idleLoad is a pipeline that had commands for many aggregates, and has none now.
type idleLoad struct {
	aggregates int
	commands   int // in turn to all aggregates
	cache      int // see pipeline.Options
}

// idleSample is what such a pipeline holds, and what it had.
type idleSample struct {
	heap       float64 // bytes, the store's among them
	goroutines float64 // most of them at once, without those that were there before
}

// scaleIdle measures what an idle aggregate costs beyond what its store keeps, and goroutines against aggregates.
func scaleIdle(ctx context.Context, runs, many int) ([]Study, error) {
	few := idleLoad{aggregates: fewAggregates, commands: fewAggregates * fewCommands}
	plain := idleLoad{aggregates: many, commands: many}
	kept := plain
	kept.cache = many
	loads := []idleLoad{few, plain, kept}
	bytes, goroutines := idleStudy(plain), goroutineStudy(loads)
	storeOfFew, err := few.storeAlone(ctx)
	if err != nil {
		return nil, err
	}
	storeOfMany, err := plain.storeAlone(ctx)
	if err != nil {
		return nil, err
	}
	stores := []float64{storeOfFew, storeOfMany, storeOfMany}
	for range min(runs, 3) {
		var extra [3]float64
		for i, load := range loads {
			sample, err := load.measure(ctx)
			if err != nil {
				return nil, err
			}
			extra[i] = sample.heap - stores[i]
			goroutines.Rows[i].Samples = append(goroutines.Rows[i].Samples, sample.goroutines)
		}
		for i := range bytes.Rows {
			each := (extra[i+1] - extra[0]) / float64(many-few.aggregates)
			bytes.Rows[i].Samples = append(bytes.Rows[i].Samples, each)
		}
	}
	judgeIdle(&bytes, &goroutines)
	return []Study{bytes, goroutines}, nil
}

func idleStudy(load idleLoad) Study {
	return Study{
		Name: "scale-idle", Unit: "bytes/aggregate", Less: true,
		Work: fmt.Sprintf("one pipeline, alive and with nothing to do, after one command for each of %s aggregates, in memory",
			Quantity(float64(load.aggregates), "")),
		Rows: []Row{
			{Name: "default cache: states of 10,000 aggregates", Ours: true},
			{Name: "every state kept", Ours: true},
		},
		Notes: []string{
			"Live heap with the pipeline and its store, less the live heap of a store alone with the same appends. What a " +
				fmt.Sprintf("pipeline holds after %s aggregates is taken off: that is its own, not theirs.", Quantity(fewAggregates, "")),
			"The state is one number; larger ones cost their size.",
			"At most three repetitions: memory hardly varies.",
		},
	}
}

func goroutineStudy(loads []idleLoad) Study {
	study := Study{
		Name: "scale-goroutines", Unit: "goroutines", Less: true,
		Work: "the most goroutines at any time while one pipeline with default workers takes commands for so many aggregates",
	}
	for _, load := range loads {
		name := Quantity(float64(load.aggregates), "") + " aggregates"
		if load.cache > 0 {
			name += ", every state kept"
		}
		study.Rows = append(study.Rows, Row{Name: name, Ours: true})
	}
	return study
}

func judgeIdle(bytes, goroutines *Study) {
	for _, row := range bytes.Rows {
		bytes.Checks = append(bytes.Checks, AtMost("bytes per idle aggregate, "+row.Name, row.Median(), 200))
	}
	bytes.Finding = fmt.Sprintf("An idle aggregate costs %.0f bytes beyond its store, and %.0f bytes with its state kept",
		max(0, bytes.Rows[0].Median()), max(0, bytes.Rows[1].Median()))
	least, most := goroutines.Rows[0].Median(), goroutines.Rows[0].Median()
	for _, row := range goroutines.Rows {
		least, most = min(least, row.Median()), max(most, row.Median())
	}
	check := AtMost("goroutines, most less fewest", most-least, 4)
	goroutines.Checks = []Check{check}
	follows := "does not follow"
	if !check.OK {
		follows = "follows"
	}
	goroutines.Finding = fmt.Sprintf("The number of goroutines %s the number of aggregates: %.0f to %.0f", follows, least, most)
}

// measure runs the commands through a pipeline and looks at the heap when all of them are settled and it is still alive.
// Commands are made one by one and kept by nobody.
func (l idleLoad) measure(ctx context.Context) (idleSample, error) {
	var s idleSample
	work := tallyLoad{registry: decidedTally(), n: l.commands, aggregates: l.aggregates}
	names := tallyNames(l.aggregates)
	goroutines, heap := runtime.NumGoroutine(), liveHeap()
	store := memory.New()
	p, err := pipeline.New(work.registry, sinks.NewStore(store), pipeline.Options{Cache: l.cache})
	if err != nil {
		return s, err
	}
	report, err := whileRunning(ctx, p, func(ctx context.Context) error {
		var settled atomic.Int64
		done := make(chan struct{}) // the last command to settle closes it; nobody sends
		count := func(engine.Outcome) {
			if settled.Add(1) == int64(l.commands) {
				close(done)
			}
		}
		for i := range l.commands {
			cmd := engine.NewCommand(names[i%l.aggregates], addTally{i, 1})
			cmd.Settled = count
			if _, err := p.Send(ctx, cmd); err != nil {
				return err
			}
			if i%64 == 0 {
				s.goroutines = max(s.goroutines, float64(runtime.NumGoroutine()-goroutines))
			}
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.heap = liveHeap() - heap
		runtime.KeepAlive(names) // for what was there before must still be there
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("bench: idle: %w", err)
	}
	return s, work.verify(ctx, store, report)
}

// storeAlone gives the bytes of a store with the appends that the pipeline of measure makes.
func (l idleLoad) storeAlone(ctx context.Context) (float64, error) {
	registry, names := decidedTally(), tallyNames(l.aggregates)
	heap := liveHeap()
	store := memory.New()
	for i := range l.commands {
		cmd := engine.NewCommand(names[i%l.aggregates], addTally{i, 1})
		events, err := registry.Events(nil, cmd, []any{tallyAdded{i, 1}}, cmd.Time)
		if err != nil {
			return 0, err
		}
		results := store.Append(ctx, []engine.Append{{
			Aggregate: cmd.Subject, Expected: engine.Exactly(engine.Version(i / l.aggregates)), CommandID: cmd.ID, Events: events,
		}})
		if err := results[0].Err; err != nil {
			return 0, err
		}
	}
	held := liveHeap() - heap
	runtime.KeepAlive(names)                                // for what was there before must still be there
	if end, err := store.End(ctx); err != nil || end == 0 { // asked last: until here the store is alive
		return 0, errors.Join(err, errors.New("bench: idle: the store alone is empty"))
	}
	return held, nil
}

// liveHeap gives the bytes of everything that can still be reached. The second collection frees what pools kept over the
// first.
func liveHeap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
