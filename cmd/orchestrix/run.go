package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sources"
)

type runFlags struct {
	in, store            string
	commands, aggregates int
	seed                 uint64
	workers              int
	json                 bool
	park                 bool
	drain                time.Duration
}

func newRun(std streams) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run commands through the order domain into a store, and judge the sequence",
		Long: `Runs commands through the order domain into a store, and judges the sequence.

With --in the commands are CloudEvents JSON lines; the subject of each names its aggregate, the order. Without it,
interleaved orders are generated. A command that the domain refuses is rejected: that is an outcome, and the commonest
reasons are told. A line that cannot be read or handled is reported and kept whole in the store as a dead letter, and the
run goes on: see orchestrix letters. A store in memory ends with the run, so its dead letters are kept in the file
orchestrix.dead.jsonl. The same command id twice, in one run or in several, is stored once and answered with its first
outcome.

Exit status: 0 the verdict holds; 1 it is broken, or the run failed; 2 wrong usage or unreadable input; 3 the verdict
holds and something was dead-lettered; 130 interrupted.`,
		Example: `  orchestrix run
  orchestrix run --in orders.jsonl --store orders.db
  producer | orchestrix run --in - --store orders.db --json`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, std) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.in, "in", "", "read commands from `FILE`, or - for standard input")
	flags.StringVar(&f.store, "store", defaultStore, storeHelp)
	flags.IntVar(&f.commands, "commands", 50_000, "how many commands to generate")
	flags.IntVar(&f.aggregates, "aggregates", 1000, "how many orders to spread them over")
	flags.Uint64Var(&f.seed, "seed", 0, "what is generated: the same seed gives the same commands (default random)")
	flags.IntVar(&f.workers, "workers", 0, "how many aggregates are handled at once (default 64)")
	flags.BoolVar(&f.park, "park", false, "let the later commands of an order wait behind its first dead letter, in sequence")
	flags.DurationVar(&f.drain, "drain-timeout", 10*time.Second, "how long a signal waits for what was read; the next one cuts that")
	flags.BoolVar(&f.json, "json", false, "print one JSON object instead of the table")
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command, std streams) error {
	if cmd.Flags().Changed("in") && f.in == "" {
		return usage("--in is empty: give a file, - for standard input, or leave it out to generate commands")
	}
	if err := checkWorkers(f.workers); err != nil {
		return err
	}
	if f.drain <= 0 {
		return usage("--drain-timeout is %v: give a time, as 10s", f.drain)
	}
	for _, name := range []string{"commands", "aggregates", "seed"} {
		if f.in != "" && cmd.Flags().Changed(name) {
			return usage("--%s is for generated commands, and --in reads them from a file: give one of the two", name)
		}
	}
	if !cmd.Flags().Changed("seed") {
		f.seed = rand.Uint64N(1_000_000)
	}
	source, closeSource, err := f.source(std)
	if err != nil {
		return err
	}
	defer closeSource()
	ctx := cmd.Context()
	registry := engine.NewRegistry(order.Module{})
	store, err := openStore(ctx, f.store, registry)
	if err != nil {
		return err
	}
	result, unread, failed := f.belt(ctx, std, registry, store, source)
	capabilities := store.Capabilities()
	failed = errors.Join(failed, store.Close())
	if unread == nil && failed == nil || result.Commands > 0 {
		err = summary(std.out, f.json, capabilities, result)
	}
	return f.end(ctx, err, unread, failed)
}

// end gives the error that sets the exit status, the worst cause first: a run that failed, a verdict that is broken or
// could not be printed, an input that could not be read to its end, a signal, and then what the verdict says.
func (f *runFlags) end(ctx context.Context, verdict, unread, failed error) error {
	exit, judged := errors.AsType[*exitError](verdict)
	if !judged {
		failed = errors.Join(failed, verdict) // nothing, or that it cannot be printed
	}
	switch {
	case failed != nil:
		return &exitError{status: exitBroken, cause: errors.Join(unread, f.advise(failed))}
	case judged && exit.status == exitBroken:
		return &exitError{status: exitBroken, cause: unread}
	case unread != nil:
		return usage("cannot read the input to its end: %w", unread)
	case ctx.Err() != nil:
		return interrupted("what was read is finished; to go on, run " + f.again() + " again")
	}
	return verdict
}

// advise says what to do about a store that failed.
func (f *runFlags) advise(err error) error {
	if errors.Is(err, engine.ErrCorrupt) {
		return fmt.Errorf("%w\nthe store is damaged: orchestrix verify --store %s says where; go on with a backup of it", err, f.store)
	}
	if !errors.Is(err, engine.ErrClosed) && !errors.Is(err, engine.ErrUnknown) {
		return err
	}
	return fmt.Errorf("%w\nthe store failed: free space or check the disk, then run %s again; what was accepted is not done twice",
		err, f.again())
}

// again names what to run again.
func (f *runFlags) again() string {
	if f.in == "" {
		return fmt.Sprintf("the same commands (--seed %d)", f.seed)
	}
	return "the same input"
}

// source opens the input before anything else, so that a wrong name makes no store.
func (f *runFlags) source(std streams) (source *sources.Source, done func(), err error) {
	done = func() {}
	switch f.in {
	case "":
		if f.commands < 1 || f.aggregates < 1 {
			return nil, nil, usage("--commands and --aggregates must be 1 or more")
		}
		fmt.Fprintf(std.err, "generating %s for %s, interleaved (--seed %d)\n",
			counted(f.commands, "command"), counted(min(f.commands, f.aggregates), "order"), f.seed)
		return sources.Seq(bench.Orders(f.commands, f.aggregates, f.seed)), done, nil
	case "-":
		return sources.JSONLinesFrom("standard input", std.in), done, nil
	}
	file, err := os.Open(f.in)
	if err != nil {
		return nil, nil, usage("cannot read the input: %w", err)
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		file.Close()
		return nil, nil, usage("cannot read the input: %s is a folder", f.in)
	}
	return sources.JSONLines(file), func() { file.Close() }, nil
}

// belt runs the commands of the source into the store and judges what is stored. What went wrong with the input it tells
// apart from what failed otherwise.
func (f *runFlags) belt(
	ctx context.Context, std streams, registry *engine.Registry, store engine.Store, source bench.Feed,
) (result bench.Result, unread, failed error) {
	lasting := context.WithoutCancel(ctx) // the verdict is read back even after an interrupt
	audit := bench.NewAudit()
	end, err := store.End(lasting)
	if err != nil {
		return result, nil, err
	}
	audit.Since(end)
	letters := newDeadLetters(deadLettersOf(f.store), std.err, registry)
	if _, keeps := store.(engine.DeadLetterStore); keeps && store.Capabilities().Durable {
		letters.store = f.store
	}
	defer func() {
		err := letters.Close()
		if !errors.Is(failed, err) { // the run may have said it already
			failed = errors.Join(failed, err)
		}
		if where := letters.where(); where != "" && err == nil {
			fmt.Fprintln(std.err, where)
		}
	}()
	options := pipeline.Options{Workers: f.workers, DrainTimeout: f.drain, DeadLetters: letters.Sink(), Logger: logger(std.err)}
	if f.park {
		options.Policy = pipeline.Park
	}
	p, err := pipeline.New(registry, sinks.NewStore(store), options)
	if err != nil {
		return result, nil, err
	}
	total := f.commands
	if f.in != "" {
		total = 0
	}
	input := &input{Outlet: source, feeder: source}
	stop := watch(p, total, std.err)
	stopServing := serve(ctx, f.store, p, std.err)
	report, runErr := p.Run(ctx, audit.Watch(input))
	stopServing()
	stop()
	result, err = audit.Judge(lasting, store, report)
	return result, input.err, errors.Join(runErr, err)
}
