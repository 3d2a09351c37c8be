package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/orchestrix-go/orchestrix/bench"
)

// effort says how much work a study takes on.
type effort struct {
	runs  int
	quick bool
}

// size is how many things a full measurement of n does with this effort.
func (e effort) size(n int) int {
	if e.quick {
		return max(1, n/10)
	}
	return n
}

type study func(ctx context.Context, e effort) (bench.Study, error)

// studies in the sequence of the report.
var studies = []study{deposits, fanOut, seed, calls, crowd, sequence}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run measures and prints. A check that does not pass is a result, not an error.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print the studies as a JSON array")
	runs := flags.Int("runs", 0, "how often each way is measured; 0 means 5")
	quick := flags.Bool("quick", false, "a tenth of the work: for a look, not for a figure to quote")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *runs < 0 || flags.NArg() > 0 {
		return fmt.Errorf("peers: --runs is %d and there are %d arguments: give 1 run or more, and no argument", *runs, flags.NArg())
	}
	if *runs == 0 {
		*runs = 5 // as in bench.Effort
	}
	log.SetOutput(io.Discard) // Event Horizon and goes log to the log of the standard library
	var all []bench.Study
	for _, measure := range studies {
		s, err := measure(ctx, effort{runs: *runs, quick: *quick})
		if err != nil {
			return fmt.Errorf("peers: %w", err)
		}
		if !*asJSON {
			if err := write(out, &s); err != nil {
				return err
			}
		}
		all = append(all, s)
	}
	if *asJSON {
		return bench.WriteJSON(out, all)
	}
	return nil
}
