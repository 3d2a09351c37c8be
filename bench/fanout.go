package bench

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
)

const (
	fanHandlers = 5    // of each command
	fanProof    = 1000 // commands in the run that proves that a way calls what it should
)

// Names of the rows that the checks and findings of the fan-out studies are about.
const (
	fanOurs    = "Orchestrix"
	fanStreams = "go-streams: FanOut + Map + ZipWith"
	fanSync    = "sync bus, one by one"
	fanAsync   = "Orchestrix, all at once"
)

// FanOut measures what it costs to call five handlers of a command and to join them: when they do nothing, so that only
// the calling is left, and when they compute, where concurrency has nothing to win beyond the cores. Handlers that wait
// are in [Seed].
func FanOut(ctx context.Context, effort Effort) ([]Study, error) {
	idle, err := fanOutIdle(ctx, effort, effort.size(100_000))
	if err != nil {
		return nil, err
	}
	computing, err := fanOutComputing(ctx, effort, effort.size(1000))
	if err != nil {
		return nil, err
	}
	return []Study{idle, computing}, nil
}

func fanOutIdle(ctx context.Context, effort Effort, commands int) (Study, error) {
	rows, err := Measure(ctx, effort.runs(), Warm(FanOutWays(commands)))
	if err != nil {
		return Study{}, err
	}
	s := Study{
		Name: "fanout", Unit: "commands/s", Columns: RateColumns("command"), Rows: rows,
		Work: fmt.Sprintf("%d commands, each with %d handlers that do nothing, joined: one call per command when all its "+
			"handlers have returned; no event", commands, fanHandlers),
	}
	ours, chain := s.Row(fanOurs).Median(), s.Ratio(fanOurs, fanStreams)
	s.Checks = []Check{AtLeast("Orchestrix / go-streams", chain, 6)}
	s.Notes = []string{
		fmt.Sprintf("Ours called and joined %s; the aim on two cores is 1.5 M/s.", Quantity(ours, s.Unit)),
		"Ours also admits, sequences and records each command id in the store; the other ways only call and join.",
		fmt.Sprintf("Each way has to prove itself on %d commands, before each timed run: every handler called once for every "+
			"command, and no join before its handlers.", min(commands, fanProof)),
	}
	s.Finding = fmt.Sprintf("%d handlers of a command are called and joined at %s, %.1f times as fast as by go-streams",
		fanHandlers, Quantity(ours, s.Unit), chain)
	return s, nil
}

// FanOutWays are the ways to call five handlers for each of a number of commands and join them: ours, by hand, go-streams.
func FanOutWays(commands int) []Way {
	return []Way{
		{Name: fanOurs, Ours: true, Run: fanned(commands, fanPipeline)},
		{Name: "by hand: five calls in a loop", Run: fanned(commands, fanInline)},
		{Name: "by hand: five goroutines, batches of 256", Run: fanned(commands, fanBatches)},
		{Name: "by hand: goroutines + WaitGroup per command", Run: fanned(commands, fanWaitGroup)},
		{Name: fanStreams, Run: fanned(commands, fanChain)},
	}
}

// fanWork is what a way of the fan-out study gets to do.
type fanWork struct {
	commands int
	handle   func(handler, command int) // once for each handler and command, from any goroutine
	joined   func(command int)          // once for each command, after its handlers, from any goroutine
}

// fanWay prepares the work, untimed, and gives the function that does all of it.
type fanWay func(ctx context.Context, work fanWork) (run func() error, err error)

// fanned proves a way and then times it.
func fanned(commands int, way fanWay) func(ctx context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		if err := fanProved(ctx, way, min(commands, fanProof)); err != nil {
			return Sample{}, err
		}
		run, err := way(ctx, fanWork{commands, func(int, int) {}, func(int) {}})
		if err != nil {
			return Sample{}, err
		}
		runtime.GC() // the garbage of preparing is none of the work
		return Rate(commands, run)
	}
}

// fanProved runs a way with handlers that keep account of their calls.
func fanProved(ctx context.Context, way fanWay, commands int) error {
	called := make([][fanHandlers]atomic.Int32, commands)
	var early, joined atomic.Int32
	run, err := way(ctx, fanWork{
		commands: commands,
		handle:   func(handler, command int) { called[command][handler].Add(1) },
		joined: func(command int) {
			joined.Add(1)
			for h := range fanHandlers {
				if called[command][h].Load() != 1 {
					early.Add(1)
				}
			}
		},
	})
	if err == nil {
		err = run()
	}
	if err != nil {
		return err
	}
	for c := range called {
		for h := range fanHandlers {
			if n := called[c][h].Load(); n != 1 {
				return fmt.Errorf("bench: handler %d of command %d was called %d times", h, c, n)
			}
		}
	}
	if joined.Load() != int32(commands) || early.Load() != 0 {
		return fmt.Errorf("bench: %d of %d commands joined, %d handlers had not been called once by then",
			joined.Load(), commands, early.Load())
	}
	return nil
}
