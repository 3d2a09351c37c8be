package main

import (
	"bufio"
	"context"
	"io"
	"iter"

	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/engine"
)

type eventsFlags struct {
	store, aggregate string
	from             uint64
	follow           bool
}

func newEvents(std streams) *cobra.Command {
	var f eventsFlags
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Print stored events as CloudEvents JSON lines, in position sequence",
		Long: `Prints stored events as CloudEvents JSON lines, in position sequence.

Each line has the event's version within its aggregate, its position in the whole log (a decimal string), the
correlationid of its conversation, and as causationid the id of its command. The store may be in use by a run.`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.print(cmd.Context(), std.out) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.store, "store", defaultStore, "the `PATH` of the store")
	flags.StringVar(&f.aggregate, "aggregate", "", "only the events of the aggregate with this `ID`")
	flags.Uint64Var(&f.from, "from", 0, "only events at this position or later")
	flags.BoolVar(&f.follow, "follow", false, "go on with the events that are appended from now on")
	return cmd
}

func (f *eventsFlags) print(ctx context.Context, w io.Writer) error {
	store, err := openStored(ctx, f.store)
	if f.follow && ctx.Err() != nil {
		err = nil // a follower ends by a signal, whenever that comes
	}
	if store == nil {
		return err
	}
	defer store.Close()
	out := bufio.NewWriter(w)
	err = f.write(ctx, out, store)
	if flushErr := out.Flush(); err == nil {
		err = flushErr // what was read is printed, however the reading ended
	}
	if err == nil && ctx.Err() != nil && !f.follow {
		err = interrupted("there may be more events")
	}
	return err
}

// write prints the events until there are no more, or a signal comes.
func (f *eventsFlags) write(ctx context.Context, out *bufio.Writer, store engine.Store) error {
	for event, err := range f.events(ctx, store) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return &exitError{status: exitBroken, cause: err}
		}
		if f.aggregate != "" && event.Subject != f.aggregate || uint64(event.Position) < f.from {
			continue
		}
		line, err := event.CloudEvent(nil)
		if err != nil {
			return &exitError{status: exitBroken, cause: err}
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
		if f.follow {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// events reads what has to be read for the flags, and perhaps a little more.
func (f *eventsFlags) events(ctx context.Context, store engine.Store) iter.Seq2[engine.Event, error] {
	after := engine.Position(max(f.from, 1) - 1)
	switch {
	case f.follow:
		return engine.Follow(ctx, store, after)
	case f.aggregate != "":
		return store.Load(ctx, f.aggregate, 1)
	}
	return store.Read(ctx, after)
}
