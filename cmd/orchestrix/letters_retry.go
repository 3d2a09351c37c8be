package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sources"
)

type lettersRetryFlags struct {
	selection
	json bool
}

func newLettersRetry(std streams) *cobra.Command {
	var f lettersRetryFlags
	cmd := &cobra.Command{
		Use:   "retry [ID...]",
		Short: "Run the commands of dead letters again",
		Long: `Runs the commands of dead letters through the same belt as run, in the sequence in which they were kept, and says what
became of them. A letter that is parked brings along those that wait behind it; one of the same aggregate that was skipped
runs after them, and waits too while one of them is left. A letter goes when its command is stored, accepted or rejected;
one that fails again stays in its place. Letters whose command cannot be read are passed over: edit them.

Exit status: 0 all were stored; 1 the store failed; 2 wrong usage, or there is no such letter; 3 some failed again; 130
interrupted.`,
		Example: `  orchestrix letters retry --all --store orders.db
  orchestrix letters retry --reason "no answer" --store orders.db`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), std, args) },
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "all letters")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object instead of a line")
	return cmd
}

func (f *lettersRetryFlags) run(ctx context.Context, std streams, args []string) error {
	filter, err := f.some(args)
	if err != nil {
		return err
	}
	r := replay{registry: orders(), path: f.store, json: f.json}
	if r.store, err = openLetters(ctx, f.store, r.registry); err != nil {
		return err
	}
	if _, err = f.found(ctx, r.store, filter, true); err == nil {
		err = r.run(ctx, std, filter)
	}
	if closed := r.store.Close(); err == nil && closed != nil {
		err = &exitError{status: exitBroken, cause: closed}
	}
	return err
}

// retried is what became of letters that were run again.
type retried struct {
	Retried  int `json:"retried"`
	Accepted int `json:"accepted"`
	Rejected int `json:"rejected"`
	Failed   int `json:"failed"`  // again
	Waiting  int `json:"waiting"` // still, behind another one
	Unknown  int `json:"unknown"`
	Passed   int `json:"unreadable"` // not retried
	Left     int `json:"left"`       // letters in the store
	Parked   int `json:"parked"`     // aggregates
}

// replay runs dead letters of a store again.
type replay struct {
	registry *engine.Registry
	store    engine.DeadLetterStore
	path     string // of the store
	json     bool   // print the figures as one object
}

// run runs the letters that are meant, and gives the error that sets the exit status.
func (r *replay) run(ctx context.Context, std streams, filter sources.LetterFilter) error {
	letters := newDeadLetters(deadLettersOf(r.path), std.err, r.registry)
	letters.store = r.path
	p, err := pipeline.New(r.registry, sinks.NewStore(r.store), pipeline.Options{
		DeadLetters: letters.Sink(), Logger: logger(std.err),
	})
	if err != nil {
		return err
	}
	source := &refusals{LetterSource: sources.DeadLetters(r.store, filter)}
	stop := serve(ctx, r.path, p, std.err)
	report, err := p.Run(ctx, source)
	stop()
	if closed := letters.Close(); !errors.Is(err, closed) {
		err = errors.Join(err, closed)
	}
	source.print(std.err)
	if err != nil {
		return &exitError{status: exitBroken, cause: err}
	}
	done := retried{
		Retried: report.Commands, Accepted: report.Accepted, Rejected: report.Rejected, Unknown: report.Unknown,
		Failed: report.DeadLettered - letters.waiting, Waiting: letters.waiting, Passed: source.PassedOver(),
	}
	done.Left, done.Parked = r.store.CountDeadLetters()
	if r.json {
		err = printJSON(std.out, done)
	} else {
		_, err = fmt.Fprintln(std.out, done)
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return interrupted("what was begun is finished; run it again for the rest")
	case done.Unknown > 0:
		return &exitError{status: exitBroken, cause: fmt.Errorf("%s of unknown outcome: run it again", counted(done.Unknown, "command"))}
	case done.Failed+done.Waiting+done.Passed > 0:
		return &exitError{status: exitDeadLetters}
	}
	return nil
}

// String is the line for a person.
func (r retried) String() string {
	says := fmt.Sprintf("retried %s: %s accepted, %s rejected, %s dead again", counted(r.Retried, "dead letter"), count(r.Accepted),
		count(r.Rejected), count(r.Failed))
	if r.Waiting > 0 {
		says += fmt.Sprintf(", %s waiting behind another", count(r.Waiting))
	}
	if r.Passed > 0 {
		says += fmt.Sprintf("; %s unreadable, only letters edit helps", count(r.Passed))
	}
	return says + fmt.Sprintf("; %s left, %s parked", count(r.Left), counted(r.Parked, "aggregate"))
}
