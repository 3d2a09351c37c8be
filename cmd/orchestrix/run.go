package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

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
}

func newRun(std streams) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run commands through the order domain into a store, and judge the sequence",
		Long: `Runs commands through the order domain into a store, and judges the sequence.

With --in the commands are CloudEvents JSON lines. Without it, interleaved orders are generated. A line that cannot be
read or handled is reported, kept whole in a file beside the store, and the run goes on. The same command id twice, in one
run or in several, is stored once and answered with its first outcome.`,
		Example: `  orchestrix run
  orchestrix run --in orders.jsonl --store orders.db
  producer | orchestrix run --in - --store orders.db --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, std) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.in, "in", "", "read commands from `FILE`, or - for standard input")
	flags.StringVar(&f.store, "store", defaultStore, storeHelp)
	flags.IntVar(&f.commands, "commands", 50_000, "how many commands to generate")
	flags.IntVar(&f.aggregates, "aggregates", 1000, "how many orders to spread them over")
	flags.Uint64Var(&f.seed, "seed", 0, "what is generated: the same seed gives the same commands (default random)")
	flags.IntVar(&f.workers, "workers", 0, "how many aggregates are handled at once (default 64)")
	flags.BoolVar(&f.json, "json", false, "print one JSON object instead of the table")
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command, std streams) error {
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
	result, runErr := f.belt(ctx, std, registry, store, source)
	capabilities := store.Capabilities()
	err = errors.Join(runErr, store.Close())
	if runErr != nil && result.Commands == 0 {
		return &exitError{status: exitUsage, cause: err}
	}
	verdict := summary(std.out, f.json, capabilities, result)
	switch {
	case err != nil:
		return &exitError{status: exitUsage, cause: err}
	case ctx.Err() != nil:
		return &exitError{status: exitInterrupted, cause: errors.New("interrupted: what was read is finished; run again to go on")}
	}
	return verdict
}

// source opens the input before anything else, so that a wrong name makes no store.
func (f *runFlags) source(std streams) (source *sources.Source, done func(), err error) {
	done = func() {}
	switch f.in {
	case "":
		if f.commands < 1 || f.aggregates < 1 {
			return nil, nil, usage("--commands and --aggregates must be 1 or more")
		}
		fmt.Fprintf(std.err, "generating %s commands for %s orders, interleaved (--seed %d)\n",
			count(f.commands), count(min(f.commands, f.aggregates)), f.seed)
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

// belt runs the commands of the source into the store and judges what is stored.
func (f *runFlags) belt(
	ctx context.Context, std streams, registry *engine.Registry, store engine.Store, source *sources.Source,
) (result bench.Result, err error) {
	letters := newDeadLetters(deadLettersOf(f.store), std.err, registry)
	defer func() {
		err = errors.Join(err, letters.Close())
	}()
	p, err := pipeline.New(registry, sinks.NewStore(store), pipeline.Options{
		Workers: f.workers, DeadLetters: letters.Sink(), Logger: logger(std.err),
	})
	if err != nil {
		return result, err
	}
	total := f.commands
	if f.in != "" {
		total = 0
	}
	audit := bench.NewAudit()
	stop := watch(p, total, std.err)
	report, runErr := p.Run(ctx, audit.Watch(source))
	stop()
	// The verdict is read back even after an interrupt, which has ended ctx.
	result, err = audit.Judge(context.WithoutCancel(ctx), store, report)
	return result, errors.Join(runErr, err)
}
