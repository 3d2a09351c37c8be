package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
	"github.com/orchestrix-go/orchestrix/sources"
)

// The command of the latency and scale experiments and the event that it makes.
type (
	addTally struct {
		N  int // the command's place in the run
		By int
	}
	tallyAdded addTally
)

// decidedTally has a decider that makes the event: the append meets the version that the decider saw.
func decidedTally() *engine.Registry {
	registry := engine.NewRegistry()
	d := engine.NewDecider(registry, "tally", func() int { return 0 })
	engine.Decide(d, "tally.add", func(_ context.Context, _ int, c addTally) ([]any, error) {
		return []any{tallyAdded(c)}, nil
	})
	engine.Evolve(d, "tally.added", func(sum int, e tallyAdded) int { return sum + e.By })
	return registry
}

// handledTally has stateless handlers: the first waits and makes the event, the others do nothing.
func handledTally(handlers int, wait time.Duration) *engine.Registry {
	registry := engine.NewRegistry()
	engine.RegisterEvent[tallyAdded](registry, "tally.added")
	engine.OnCommand(registry, "tally.add", "handler-1", func(_ context.Context, _ *engine.Command, c addTally) ([]any, error) {
		if wait > 0 {
			time.Sleep(wait)
		}
		return []any{tallyAdded(c)}, nil
	})
	for i := 1; i < handlers; i++ {
		engine.OnCommand(registry, "tally.add", fmt.Sprintf("handler-%d", i+1),
			func(context.Context, *engine.Command, addTally) ([]any, error) { return nil, nil })
	}
	return registry
}

// tallyLoad is the work of one run of a pipeline: n commands, one event each.
type tallyLoad struct {
	registry   *engine.Registry
	options    pipeline.Options
	n          int
	aggregates int
	to         func(i int) int // the aggregate of command i, the same in every run; nil means that they take turns
	durable    bool            // into a new SQLite file; otherwise into memory
}

// aggregate gives the number of the aggregate that command i goes to.
func (l tallyLoad) aggregate(i int) int {
	if l.to == nil {
		return i % l.aggregates
	}
	return l.to(i)
}

const tallyPrefix = "tally-"

func tallyName(aggregate int) string { return fmt.Sprintf("%s%010d", tallyPrefix, aggregate) }

func tallyNames(aggregates int) []string {
	names := make([]string, aggregates)
	for i := range names {
		names[i] = tallyName(i)
	}
	return names
}

// run takes new commands from a source through a new pipeline into a new store. Making them, opening the store and
// reading it back are not in the figure; what else the process holds is collected before.
func (l tallyLoad) run(ctx context.Context) (Sample, error) {
	cmds := l.commands()
	runtime.GC()
	var sample Sample
	err := l.inStore(ctx, func(store engine.Store) error {
		p, err := pipeline.New(l.registry, sinks.NewStore(store), l.options)
		if err != nil {
			return err
		}
		var report pipeline.Report
		sample, err = Rate(l.n, func() (err error) {
			report, err = p.Run(ctx, sources.Slice(cmds))
			return err
		})
		if err != nil {
			return err
		}
		return l.verify(ctx, store, report)
	})
	return sample, err
}

// commands makes them anew for each run, so that only those of this run are in memory.
func (l tallyLoad) commands() []*engine.Command {
	cmds, names := make([]*engine.Command, l.n), tallyNames(l.aggregates)
	for i := range cmds {
		cmds[i] = engine.NewCommand(names[l.aggregate(i)], addTally{i, 1})
	}
	return cmds
}

// inStore calls use with a new store. A file is in a temporary folder, which is removed afterwards.
func (l tallyLoad) inStore(ctx context.Context, use func(engine.Store) error) (err error) {
	if !l.durable {
		return use(memory.New())
	}
	dir, err := os.MkdirTemp("", "orchestrix-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "tally.db"), sqlite.Options{Codec: l.registry})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return use(store)
}

// verify holds the report and what the store reads back against the work: every command accepted, and the events of each
// aggregate in the sequence in which their commands went in.
func (l tallyLoad) verify(ctx context.Context, store engine.Store, report pipeline.Report) error {
	if report.Accepted != l.n || report.Events != l.n || !report.Sequence.OK() {
		return fmt.Errorf("the pipeline did not do the work of %d commands:\n%v", l.n, report)
	}
	type place struct {
		version engine.Version
		n       int // of the command
	}
	last, events := make([]place, l.aggregates), 0
	for e, err := range store.Read(ctx, 0) {
		if err != nil {
			return err
		}
		data, err := l.registry.Decode(&e.Message)
		if err != nil {
			return err
		}
		added, _ := data.(tallyAdded)
		aggregate, err := strconv.Atoi(strings.TrimPrefix(e.Subject, tallyPrefix))
		if err != nil || added.N < 0 || added.N >= l.n || l.aggregate(added.N) != aggregate {
			return fmt.Errorf("%s version %d is the event of nobody: %v", e.Subject, e.Version, data)
		}
		before := last[aggregate]
		if e.Version != before.version+1 || before.version > 0 && added.N <= before.n {
			return fmt.Errorf("%s is out of sequence: version %d of command %d came after version %d of command %d",
				e.Subject, e.Version, added.N, before.version, before.n)
		}
		last[aggregate] = place{e.Version, added.N}
		events++
	}
	if events != l.n {
		return fmt.Errorf("the store has %d events of %d", events, l.n)
	}
	return nil
}

// whileRunning runs a pipeline without a source for as long as work takes. The context of the work ends when Run does.
func whileRunning(ctx context.Context, p *pipeline.Pipeline, work func(context.Context) error) (pipeline.Report, error) {
	running, stop := context.WithCancel(ctx)
	var report pipeline.Report
	var runErr, workErr error
	engine.FanOut(2, func(i int) {
		defer stop() // everything is admitted: Run finishes it and returns; or Run failed, and nobody may wait for it
		if i == 0 {
			report, runErr = p.Run(running)
			return
		}
		workErr = work(running)
	})
	return report, errors.Join(workErr, runErr)
}
