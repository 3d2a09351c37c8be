package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/engine"
)

type statusFlags struct {
	store       string
	watch, json bool
}

func newStatus(std streams) *cobra.Command {
	var f statusFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell what a run on a store is doing: what is stalled, by what, since when",
		Long: `Tells what a run, or a stress, on a store is doing: commands in flight, aggregates that are stalled, by which handler,
decider, limit, retry or store, since when, and what waits behind them; and the dead letters in the store. When nobody runs
on the store, it says so and tells what the store knows. The program that runs tells it through a socket beside the store,
<store>.sock, which only its user may open.`,
		Example: `  orchestrix status --store orders.db
  orchestrix status --store orders.db --watch
  orchestrix status --store orders.db --json`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), std.out) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.store, "store", defaultStore, "the store: the path of a file")
	flags.BoolVar(&f.watch, "watch", false, "again every second, until interrupted")
	flags.BoolVar(&f.json, "json", false, "print one JSON object a line")
	return cmd
}

func (f *statusFlags) run(ctx context.Context, w io.Writer) error {
	for {
		if err := f.once(ctx, w); err != nil || !f.watch {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil
		}
	}
}

// once tells the status once. Only then, and not every second, the letters in the store are counted one by one.
func (f *statusFlags) once(ctx context.Context, w io.Writer) error {
	t, running, err := told{}, false, error(nil)
	if f.store != memoryStore {
		t, running, err = askStatus(f.store)
	}
	if err != nil {
		return &exitError{status: exitBroken, cause: err}
	}
	if !running || !f.watch {
		if t.Letters, err = f.count(ctx); err != nil {
			return err
		}
	}
	if f.json {
		out, err := json.Marshal(t)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n", out)
		}
		return err
	}
	var b strings.Builder
	if running {
		fmt.Fprintf(&b, "running    process %d, for %v\n%v\n", t.PID, t.Status.At.Sub(t.Began).Round(time.Second), t.Status)
	} else {
		fmt.Fprintf(&b, "not running: nobody runs on %s\n", f.store)
	}
	t.Letters.print(&b)
	_, err = io.WriteString(w, b.String())
	return err
}

// count counts the dead letters in the store.
func (f *statusFlags) count(ctx context.Context) (*letterTotals, error) {
	store, err := openStored(ctx, f.store)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	letters, ok := store.(engine.DeadLetterStore)
	if !ok {
		return nil, nil
	}
	return countLetters(ctx, letters)
}
