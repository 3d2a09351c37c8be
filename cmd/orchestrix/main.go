// Command orchestrix runs, stresses, measures and reads belts of commands and events.
//
//	orchestrix run      commands from a file, a pipe or a generator into a store, with a verdict
//	orchestrix events   the stored events as CloudEvents JSON lines
//	orchestrix letters  the commands that could not be handled: list, show, retry, drop, edit
//	orchestrix status   what a run on a store is doing, and what is stalled
//	orchestrix stress   many producers, random delays, a verdict read back from the store
//	orchestrix bench    measurements
//	orchestrix verify   a verdict on a whole store: every checksum, every index
//	orchestrix backup   a copy of a store, also while it is in use
//	orchestrix graph    how commands, handlers, middleware and events hang together, and what hangs loose
//
// It is thin: what it does is in the packages beside it.
//
// Exit status: 0 the verdict holds; 1 it is broken, or a run failed; 2 wrong usage or unreadable input; 3 the verdict
// holds and some input was dead-lettered; 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"
)

// Exit statuses besides 0.
const (
	exitBroken      = 1
	exitUsage       = 2
	exitDeadLetters = 3
	exitInterrupted = 130
)

func main() {
	ctx := notify(context.Background())
	var handling sync.WaitGroup // ends with the process
	handling.Go(func() { ctx.Value(signalsKey{}).(*signals).handle(os.Stderr, os.Exit) })
	os.Exit(execute(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are the three standard ones.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exitError is an error that ends the program with a status. Without a cause everything is said already.
type exitError struct {
	status int
	cause  error
}

func (e *exitError) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.cause.Error()
}

func (e *exitError) Unwrap() error { return e.cause }

// usage makes the error of a wrong call or an unreadable input.
func usage(format string, args ...any) error {
	return &exitError{status: exitUsage, cause: fmt.Errorf(format, args...)}
}

// interrupted makes the error of a call that a signal ended.
func interrupted(says string) error {
	return &exitError{status: exitInterrupted, cause: errors.New("interrupted: " + says)}
}

// execute runs one command line and gives its exit status.
func execute(ctx context.Context, args []string, std streams) int {
	root := newRoot(std)
	began := false // the call is right, what comes now is the work
	root.PersistentPreRun = func(*cobra.Command, []string) { began = true }
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	exit, ok := errors.AsType[*exitError](err)
	if !ok {
		exit = &exitError{status: exitBroken, cause: err} // as of output that cannot be written
		if !began {                                       // cobra's: an unknown flag or command
			exit = &exitError{status: exitUsage, cause: fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())}
		}
	}
	if exit.cause != nil {
		fmt.Fprintf(std.err, "orchestrix: %v\n", exit.cause)
	}
	return exit.status
}

func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "orchestrix",
		Short:         "Turns a stream of commands into ordered, durable events",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          needsCommand,
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.AddCommand(newRun(std), newEvents(std), newStatus(std), newLetters(std), newStress(std), newBench(std),
		newVerify(std), newBackup(std), newGraph(std))
	return root
}

// needsCommand is what a command does that only has others below it.
func needsCommand(cmd *cobra.Command, _ []string) error {
	_ = cmd.Help()
	return usage("say what to do: one of the commands above")
}

// flagsOnly refuses arguments. The likeliest one is a file, so it says which flags name one.
func flagsOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var files []string
	for _, name := range []string{"in", "store", "to"} {
		if cmd.Flags().Lookup(name) != nil {
			files = append(files, "--"+name)
		}
	}
	return usage("%s takes no argument, and there is %q: a file is named with %s",
		cmd.CommandPath(), args[0], strings.Join(files, " or "))
}
