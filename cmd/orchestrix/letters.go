package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/sources"
)

func newLetters(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "letters",
		Short: "List, show, retry, drop and edit the dead letters of a store",
		Long: `Dead letters are commands that could not be handled. They rest in the store, whole, with why, until their command is
stored after all (retry) or they are dropped.

A letter is skipped (the later commands of its order go on), parked (they wait until it is retried or dropped) or waiting
(behind one that is parked). Exit status: 0 all is well; 1 the store failed; 2 wrong usage, or there is no such letter; 3
some letters were retried and failed again; 130 interrupted.`,
		Args: cobra.NoArgs,
		RunE: needsCommand,
	}
	cmd.AddCommand(newLettersList(std), newLettersShow(std), newLettersRetry(std), newLettersDrop(std), newLettersEdit(std))
	return cmd
}

// selection says which letters a command is for.
type selection struct {
	store, aggregate, reason, handler, state string
	all                                      bool
}

// flags adds the flags that say it.
func (s *selection) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	s.storeFlag(cmd)
	flags.StringVar(&s.aggregate, "aggregate", "", "only the letters of the aggregate with this `ID`")
	flags.StringVar(&s.reason, "reason", "", "only letters with this `TEXT` in their reason")
	flags.StringVar(&s.handler, "handler", "", "only letters whose handler `NAME` failed")
	flags.StringVar(&s.state, "state", "", "only letters that are skipped, parked or waiting")
}

func (s *selection) storeFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.store, "store", defaultStore, "the `PATH` of the store")
}

// filter gives what the flags and the ids say.
func (s *selection) filter(ids []string) (f sources.LetterFilter, err error) {
	f.Aggregate, f.Reason, f.Handler = s.aggregate, s.reason, s.handler
	for _, text := range ids {
		id, err := engine.ParseID(text)
		if err != nil {
			return f, usage("%q is not the id of a dead letter: it has 36 characters, as letters list shows it", text)
		}
		f.IDs = append(f.IDs, id)
	}
	if s.state == "" {
		return f, nil
	}
	for state := engine.Skipped; state <= engine.Waiting; state++ {
		if state.String() == s.state {
			f.States = []engine.LetterState{state}
			return f, nil
		}
	}
	return f, usage("--state is %q: give skipped, parked or waiting", s.state)
}

// some is filter for what changes something: which letters must be said.
func (s *selection) some(ids []string) (sources.LetterFilter, error) {
	f, err := s.filter(ids)
	said := len(ids) > 0 || s.aggregate+s.reason+s.handler+s.state != ""
	switch {
	case err != nil:
		return f, err
	case !said && !s.all:
		return f, usage("say which: an ID, --aggregate, --reason, --handler, --state or --all")
	case said && s.all:
		return f, usage("--all is for all letters: leave it out to choose some")
	}
	return f, nil
}

// openLetters opens a store for changing its letters, or only for reading them beside a run.
func openLetters(ctx context.Context, path string, registry *engine.Registry) (engine.DeadLetterStore, error) {
	store, err := openStored(ctx, path)
	if err == nil && registry != nil {
		_ = store.Close() // it is there, and is a store
		store, err = openStore(ctx, path, registry)
	}
	if err != nil {
		return nil, err
	}
	letters, ok := store.(engine.DeadLetterStore)
	if !ok {
		_ = store.Close()
		return nil, usage("the store %s keeps no dead letters", path)
	}
	return letters, nil
}

// found reads the letters that are meant, whole; along says that those that wait behind one of them are meant too. None is
// an error, unless all were asked for.
func (s *selection) found(
	ctx context.Context, store engine.DeadLetterStore, f sources.LetterFilter, along bool,
) (ids []engine.ID, err error) {
	for letter, err := range f.Select(ctx, store) {
		if ctx.Err() != nil {
			return nil, interrupted("nothing was changed")
		}
		if err != nil {
			return nil, &exitError{status: exitBroken, cause: err}
		}
		if along || f.Fits(&letter) {
			ids = append(ids, letter.ID)
		}
	}
	for _, id := range f.IDs {
		if _, there, err := store.DeadLetter(ctx, id); err == nil && !there {
			return nil, noLetter(id, s.store)
		}
	}
	if len(ids) == 0 && !s.all {
		return nil, usage("no dead letter fits: orchestrix letters list --store %s shows all", s.store)
	}
	return ids, nil
}

// oneLetter is the rule for the arguments of a command that is for one letter.
func oneLetter(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage("give the ID of one dead letter: orchestrix letters list shows all")
	}
	return nil
}

func noLetter(id engine.ID, store string) error {
	return usage("there is no dead letter %s in %s: orchestrix letters list shows all", id, store)
}

// orders is the domain of this program.
func orders() *engine.Registry { return engine.NewRegistry(order.Module{}) }
