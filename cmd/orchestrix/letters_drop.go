package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

type lettersDropFlags struct {
	selection
	yes bool
}

func newLettersDrop(std streams) *cobra.Command {
	var f lettersDropFlags
	cmd := &cobra.Command{
		Use:   "drop [ID...]",
		Short: "Remove dead letters for good",
		Long: `Removes dead letters for good. When one is removed that others wait for, the first of those takes its place: retry it to
go on.`,
		Example: `  orchestrix letters drop 0190163d-8694-739b-aea5-966c26f8ad90 --store orders.db
  orchestrix letters drop --aggregate order-17 --yes --store orders.db`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.drop(cmd.Context(), std.out, args) },
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "all letters")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "drop more than one letter")
	return cmd
}

func (f *lettersDropFlags) drop(ctx context.Context, w io.Writer, args []string) error {
	filter, err := f.some(args)
	if err != nil {
		return err
	}
	store, err := openLetters(ctx, f.store, orders())
	if err != nil {
		return err
	}
	defer store.Close()
	ids, err := f.found(ctx, store, filter, false)
	if err != nil {
		return err
	}
	if len(ids) > 1 && !f.yes {
		return usage("this removes %s for good: say --yes", counted(len(ids), "dead letter"))
	}
	n, err := store.DropDeadLetters(ctx, ids...)
	if ctx.Err() != nil {
		return interrupted("look at what is left with orchestrix letters list")
	}
	if err != nil {
		return &exitError{status: exitBroken, cause: err}
	}
	left, parked := store.CountDeadLetters()
	_, err = fmt.Fprintf(w, "dropped %s; %s left, %s parked\n", counted(n, "dead letter"), count(left), counted(parked, "aggregate"))
	return err
}
