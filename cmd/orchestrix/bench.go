package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/bench"
)

// runsOfEach is how often each way is measured when nobody says otherwise, mostRuns what is surely a mistake.
const (
	runsOfEach = 5
	mostRuns   = 1000
)

// benchCommand is one call of bench.
type benchCommand struct {
	std         streams
	experiments []bench.Experiment
	runs        int
	quick, json bool
	// Paths; empty for what is not wanted.
	out, compare, readme, peers string
}

func newBench(std streams) *cobra.Command { return newBenchOf(std, bench.Experiments()) }

// newBenchOf makes the command for these experiments. The peers come on top: they are a module of their own.
func newBenchOf(std streams, experiments []bench.Experiment) *cobra.Command {
	b := &benchCommand{std: std, experiments: experiments}
	cmd := &cobra.Command{
		Use:   "bench [" + strings.Join(b.names(), "|") + " ...]",
		Short: "Measure this engine beside what one would write by hand, and beside its peers",
		Long: `Measures this engine beside what one would write by hand, and beside its peers: the same work, in one run, taking turns.
Without names it measures everything.

` + b.list() + `
Exit status: 0 every threshold holds; 1 one does not, or measuring failed; 2 wrong usage; 130 interrupted.`,
		ValidArgs: b.names(),
		RunE:      func(cmd *cobra.Command, names []string) error { return b.run(cmd, names) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&b.json, "json", false, "print one JSON object instead of tables")
	flags.StringVar(&b.out, "out", "", "leave index.html, with pictures, and report.json in this `DIR`")
	flags.StringVar(&b.compare, "compare", "", "say what changed since this report, a `FILE` that --json or --out made")
	flags.IntVar(&b.runs, "runs", runsOfEach, "how often each way is measured; with --compare, by default, as often as it takes to tell")
	flags.BoolVar(&b.quick, "quick", false, "a tenth of the work: for a picture, not for figures to quote, nor for the thresholds")
	flags.StringVar(&b.peers, "peers", "bench/peers", "the `DIR` of the module that measures the peers; empty to leave them out")
	flags.StringVar(&b.readme, "readme", "", "put the figures into this `FILE`, between its markers")
	_ = flags.MarkHidden("readme")
	return cmd
}

func (b *benchCommand) names() []string {
	var names []string
	for _, e := range b.experiments {
		names = append(names, e.Name)
	}
	return append(names, peersName)
}

// list is a line for each experiment.
func (b *benchCommand) list() string {
	var s strings.Builder
	for _, e := range b.experiments {
		fmt.Fprintf(&s, "  %-10s %s\n", e.Name, e.Short)
	}
	fmt.Fprintf(&s, "  %-10s %s\n", peersName, peersShort)
	return s.String()
}

// run finds out what can be wrong before it measures: a measurement may take minutes.
func (b *benchCommand) run(cmd *cobra.Command, names []string) error {
	ctx := cmd.Context()
	if err := b.checkNames(names); err != nil {
		return err
	}
	effort, before, err := b.checkFlags(cmd.Flags().Changed("runs"))
	if err != nil {
		return err
	}
	chosen, done, err := b.choose(ctx, names)
	if err != nil {
		return err
	}
	defer done()
	report := bench.Report{Command: b.again(names, effort), Began: time.Now().UTC().Truncate(time.Second), Machine: bench.ThisMachine()}
	report.Studies, err = b.measure(ctx, chosen, effort)
	switch {
	case ctx.Err() != nil:
		return interrupted("nothing is reported")
	case err != nil:
		return &exitError{status: exitBroken, cause: err}
	}
	if b.quick {
		for i := range report.Studies {
			report.Studies[i].Checks = nil // the thresholds are meant for a whole measurement
		}
	}
	if err := b.deliver(report, before); err != nil {
		return &exitError{status: exitBroken, cause: err}
	}
	if !report.OK() {
		return &exitError{status: exitBroken}
	}
	return nil
}

func (b *benchCommand) checkNames(names []string) error {
	for _, name := range names {
		if !slices.Contains(b.names(), name) {
			return usage("there is no measurement %q: give some of %s, or none for all", name, strings.Join(b.names(), ", "))
		}
	}
	return nil
}

// checkFlags gives the effort, and the report to compare with if there is one.
func (b *benchCommand) checkFlags(runsGiven bool) (bench.Effort, *bench.Report, error) {
	effort := bench.Effort{Runs: b.runs, Quick: b.quick}
	if b.runs < 1 || b.runs > mostRuns {
		return effort, nil, usage("--runs is %d: give 1 to %d", b.runs, mostRuns)
	}
	if b.readme != "" && b.quick {
		return effort, nil, usage("--readme quotes figures, and --quick measures none to quote: give one of the two")
	}
	var before *bench.Report
	if b.compare != "" {
		report, err := readReport(b.compare)
		if err != nil {
			return effort, nil, usage("cannot compare with %s: %w", b.compare, err)
		}
		before = &report
		if enough := report.RunsToTell(); !runsGiven && enough > effort.Runs {
			effort.Runs = enough
			fmt.Fprintf(b.std.err, "measuring each way %d times, so that a change can be told from chance\n", enough)
		}
	}
	if b.readme != "" {
		if err := checkReadme(b.readme); err != nil {
			return effort, nil, usage("--readme: %w", err)
		}
	}
	if b.out != "" {
		if err := checkFolder(b.out); err != nil {
			return effort, nil, usage("--out: %w", err)
		}
	}
	return effort, before, nil
}

func readReport(path string) (bench.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return bench.Report{}, err
	}
	defer file.Close()
	return bench.ReadReport(file)
}

// choose gives the experiments of these names, in the sequence of the list. Call done when they are over. Peers
// that cannot be measured here are an error if they were named, and are left out with a reason if not.
func (b *benchCommand) choose(ctx context.Context, names []string) (chosen []bench.Experiment, done func(), err error) {
	done = func() {}
	for _, e := range b.experiments {
		if len(names) == 0 || slices.Contains(names, e.Name) {
			chosen = append(chosen, e)
		}
	}
	named := slices.Contains(names, peersName)
	if !named && (len(names) > 0 || b.peers == "") {
		return chosen, done, nil
	}
	peers, remove, err := buildPeers(ctx, b.peers)
	switch {
	case err == nil:
		return append(chosen, peers), remove, nil
	case ctx.Err() != nil:
		return nil, nil, interrupted("nothing is measured")
	case named:
		return nil, nil, usage("the peers cannot be measured: %w", err)
	}
	fmt.Fprintf(b.std.err, "%s: SKIPPED, %v\n", peersName, err)
	return chosen, done, nil
}

// again is the command that makes such a report.
func (b *benchCommand) again(names []string, effort bench.Effort) string {
	args := append([]string{"orchestrix bench"}, names...)
	if effort.Quick {
		args = append(args, "--quick")
	}
	if effort.Runs != runsOfEach {
		args = append(args, fmt.Sprint("--runs ", effort.Runs))
	}
	if b.peers == "" {
		args = append(args, "--peers=")
	}
	return strings.Join(args, " ")
}

func (b *benchCommand) measure(ctx context.Context, chosen []bench.Experiment, effort bench.Effort) ([]bench.Study, error) {
	progress := newBenchProgress(b.std.err)
	defer progress.end()
	var studies []bench.Study
	for i, e := range chosen {
		progress.begin(e.Name, i+1, len(chosen))
		made, err := e.Run(bench.Watch(ctx, progress.way), effort)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		studies = append(studies, made...)
	}
	return studies, nil
}

// deliver puts the report wherever it is wanted. Standard output comes last: what it says is there, is there.
func (b *benchCommand) deliver(report bench.Report, before *bench.Report) error {
	if b.out != "" {
		if err := writeReport(b.out, report); err != nil {
			return err
		}
	}
	if b.readme != "" {
		if err := rewriteReadme(b.readme, report); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	aside := io.Writer(&text) // what is not the one JSON object
	if b.json {
		aside = b.std.err
		if err := bench.WriteJSON(&text, report); err != nil {
			return err
		}
	} else {
		text.WriteString(reportText(report))
	}
	if before != nil {
		fmt.Fprint(aside, comparisonText(bench.Compare(*before, report)))
	}
	_, err := b.std.out.Write(text.Bytes())
	if b.quick {
		fmt.Fprintln(b.std.err, "a quick measurement: for pictures; nothing was held against a threshold")
	}
	if err == nil && b.out != "" {
		fmt.Fprintf(b.std.err, "with pictures: %s\n", pageOf(b.out))
	}
	return err
}
