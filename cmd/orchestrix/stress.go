package main

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/pipeline"
)

func newStress(std streams) *cobra.Command {
	var o bench.StressOptions
	var store string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stress",
		Short: "Press many producers through one pipeline and read the verdict back from the store",
		Args:  flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				o.Seed = rand.Uint64N(1_000_000)
			}
			if o.Handlers == 0 {
				o.Handlers = -1 // the flag's default is said there; 0 here means none
			}
			return stress(cmd, std, store, asJSON, o)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.Commands, "commands", 100_000, "how many commands")
	flags.IntVar(&o.Aggregates, "aggregates", 1000, "how many orders to spread them over")
	flags.IntVar(&o.Handlers, "handlers", 5, "how many handlers observe each command, some waiting at random")
	flags.IntVar(&o.Producers, "producers", 16, "how many producers submit at the same time")
	flags.IntVar(&o.Workers, "workers", 0, "how many aggregates are handled at once (default 64)")
	flags.Uint64Var(&o.Seed, "seed", 0, "what is sent and what waits (default random)")
	flags.StringVar(&store, "store", memoryStore, storeHelp)
	flags.BoolVar(&asJSON, "json", false, "print one JSON object instead of the table")
	return cmd
}

func stress(cmd *cobra.Command, std streams, name string, asJSON bool, o bench.StressOptions) (err error) {
	if o.Commands < 1 || o.Aggregates < 1 || o.Producers < 1 {
		return usage("--commands, --aggregates and --producers must be 1 or more")
	}
	if err := checkWorkers(o.Workers); err != nil {
		return err
	}
	ctx := cmd.Context()
	store, err := openStore(ctx, name, engine.NewRegistry(order.Module{}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }() // an error of Close alone is a failed run
	fmt.Fprintf(std.err, "%s, %s, %s, %s a command (--seed %d)\n", counted(o.Commands, "command"), counted(o.Producers, "producer"),
		counted(min(o.Aggregates, o.Commands), "order"), counted(max(0, o.Handlers), "handler"), o.Seed)
	stop := func() {}
	o.Watch = func(p *pipeline.Pipeline) {
		stopBar, stopServing := watch(p, o.Commands, std.err), serve(ctx, name, p, std.err)
		stop = func() { stopServing(); stopBar() }
	}
	result, err := bench.Stress(ctx, store, o)
	stop()
	if err != nil {
		if ctx.Err() != nil {
			return interrupted("nothing is judged")
		}
		return &exitError{status: exitBroken, cause: err}
	}
	return summary(std.out, asJSON, store.Capabilities(), result)
}
