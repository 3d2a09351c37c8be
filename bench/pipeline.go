package bench

import (
	"context"
	"fmt"
)

// Names of the rows that the checks of the pipeline study are about.
const (
	pipelineOurs    = "Orchestrix" // the row that counts: everything on, with a decider
	pipelineHand    = "by hand: batched lanes, Event{any}"
	pipelineChunks  = pipelineHand + ", chunked"
	pipelineStreams = "go-streams: Map chain"
)

// Pipeline measures how many commands a second become events in memory, through all of the pipeline, beside what one would
// write by hand and beside plain go-streams. See [Workload] for what is done for each command.
func Pipeline(ctx context.Context, effort Effort) ([]Study, error) {
	return pipelineOf(ctx, effort, NewWorkload(effort.size(200_000), 1000))
}

func pipelineOf(ctx context.Context, effort Effort, w *Workload) ([]Study, error) {
	rows, err := Measure(ctx, effort.runs(), Warm(PipelineWays(w)))
	if err != nil {
		return nil, err
	}
	s := Study{
		Name: "pipeline", Unit: "commands/s", Columns: w.Columns(), Rows: rows,
		Work: fmt.Sprintf("%d commands over %d aggregates in turn, decided, made into one event each and appended in "+
			"memory with the expected version, in each aggregate's sequence; read back and judged afterwards", w.Commands(), w.Accounts()),
	}
	s.Notes = []string{
		fmt.Sprintf("%q is the whole pipeline with a decider and is what the checks are about; the rows of its name show "+
			"other ways in.", pipelineOurs),
		"Ours also keeps each command's id (a repeated command gets its first outcome), tells an outcome for each command " +
			"and measures its latency. No baseline does.",
		fmt.Sprintf("The lanes by hand that the check is about keep a slice of events for each aggregate, as one writes it first. "+
			"Chunked, the events stay where they are and are never copied: %.1f times as fast.", s.Ratio(pipelineChunks, pipelineHand)),
		"Typed structs are the limit of the machine: no envelope, no id, no time, no log of all, one kind of event.",
	}
	ours := s.Row(pipelineOurs)
	hand, chain := s.Ratio(pipelineOurs, pipelineHand), s.Ratio(pipelineOurs, pipelineStreams)
	s.Checks = []Check{
		AtLeast("Orchestrix / lanes by hand, Event{any}", hand, 0.45),
		AtLeast("Orchestrix / go-streams", chain, 3),
		AtMost("Orchestrix, allocations/command", ours.Columns[0], 4),
		AtMost("Orchestrix, events out of sequence", ours.Columns[2], 0),
	}
	s.Finding = fmt.Sprintf("The whole pipeline does %s in memory: %.2f of lanes written by hand, %.1f times a go-streams chain",
		Quantity(ours.Median(), s.Unit), hand, chain)
	return []Study{s}, nil
}

// PipelineWays are the ways of doing a workload that need no other module: ours, by hand, go-streams. bench/peers puts its
// own beside them.
func PipelineWays(w *Workload) []Way {
	return []Way{
		{Name: pipelineOurs, Ours: true, Run: ours(w, decideDeposits, runSlice)},
		{Name: pipelineOurs + ": handler, no state", Ours: true, Run: ours(w, onDeposit, runSlice)},
		{Name: pipelineOurs + ": channel of single commands", Ours: true, Run: ours(w, decideDeposits, runSingles)},
		{Name: pipelineOurs + ": Send from 2 goroutines", Ours: true, Run: ours(w, decideDeposits, w.runSenders(2))},
		{Name: pipelineOurs + ": Send from 64 goroutines", Ours: true, Run: ours(w, decideDeposits, w.runSenders(64))},
		{Name: "by hand: batched lanes, typed structs", Run: typedLanes(w)},
		{Name: pipelineChunks, Run: chunkLanes(w)},
		{Name: pipelineHand, Run: handLanes(w)},
		{Name: "by hand: four stages, one by one", Run: handStages(w)},
		{Name: pipelineStreams, Run: streamChain(w)},
	}
}
