package main

import (
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
)

const (
	formatMermaid = "mermaid"
	formatJSON    = "json"
)

type graphFlags struct {
	in, format string
	lint       bool
}

func newGraph(std streams) *cobra.Command {
	var f graphFlags
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "Draw how commands, handlers, middleware and events hang together, or find what hangs loose",
		Long: `Prints a Mermaid flowchart of the whole topology: the belt from the sources to the followers, each command type with its
chain of middleware and its handlers in registration sequence, and who makes and reads which event. GitHub and many
editors draw it.

Without --in it is that of the example domain. A program of your own writes its topology with
json.Marshal(registry.Describe()).

With --lint it prints, one on each line, what is allowed and hardly meant: a command without a handler or with two
deciders, an event that nobody reads, an event that a decider makes and does not evolve.

Exit status: 0; with --lint 1 when something was found; 2 wrong usage or unreadable topology.`,
		Args: flagsOnly,
		RunE: func(*cobra.Command, []string) error { return f.print(std) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.in, "in", "", "read the topology from this `FILE`; - is standard input")
	flags.StringVar(&f.format, "format", formatMermaid, "print "+formatMermaid+" or "+formatJSON)
	flags.BoolVar(&f.lint, "lint", false, "print findings instead of the graph")
	return cmd
}

func (f *graphFlags) print(std streams) error {
	if f.format != formatMermaid && f.format != formatJSON {
		return usage("--format is %q: give %s or %s", f.format, formatMermaid, formatJSON)
	}
	top, err := f.topology(std.in)
	switch {
	case err != nil:
		return err
	case f.lint:
		return f.printFindings(std.out, top)
	case f.format == formatJSON:
		return printJSON(std.out, top)
	}
	_, err = io.WriteString(std.out, drawMermaid(top))
	return err
}

// topology is the one that was asked for.
func (f *graphFlags) topology(stdin io.Reader) (engine.Topology, error) {
	if f.in == "" {
		return engine.NewRegistry(order.Module{}).Describe(), nil
	}
	in := stdin
	if f.in != "-" {
		file, err := os.Open(f.in)
		if err != nil {
			return engine.Topology{}, usage("cannot read the topology: %w", err)
		}
		defer file.Close()
		in = file
	}
	var top engine.Topology
	if err := json.UnmarshalRead(in, &top, json.RejectUnknownMembers(true)); err != nil {
		return engine.Topology{}, usage("cannot read the topology: %w: write one with json.Marshal(registry.Describe())", err)
	}
	return top, nil
}

func (f *graphFlags) printFindings(w io.Writer, top engine.Topology) (err error) {
	findings := top.Lint()
	switch {
	case f.format == formatJSON:
		err = printJSON(w, map[string][]string{"findings": append([]string{}, findings...)}) // an empty list, not null
	case len(findings) == 0:
		_, err = fmt.Fprintf(w, "nothing hangs loose: %s, %s\n", counted(len(top.Commands), "command"), counted(len(top.Events), "event"))
	}
	for _, finding := range findings {
		if err == nil && f.format != formatJSON {
			_, err = fmt.Fprintln(w, finding)
		}
	}
	if err == nil && len(findings) > 0 {
		err = &exitError{status: exitBroken}
	}
	return err
}
