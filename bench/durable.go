package bench

import (
	"context"
	"fmt"
	"os"
)

// The work of Durable. The numbers of writers divide that of aggregates.
const (
	durableAggregates = 1024
	durableSenders    = 64     // with 16 commands each on their way
	durableBefore     = 64_000 // events that are in the store before: more than 16 MiB of log
)

// durableEvents is how many events writers append who each wait for the acknowledgement: long enough for some thousand
// syncs of a disk that makes some thousand a second.
var durableEvents = map[int]int{1: 1500, 8: 8000, 64: 48_000, 256: 64_000, 1024: 128_000}

// Names of the ways of Durable that its findings rest on.
const (
	durableLog  = "prefilled log"
	durableOurs = "pipeline, Do"
	durableHot  = "pipeline, Do, one aggregate, 64 in flight"
	durableSend = "pipeline, Send, 1024 in flight"
)

// inFlight names a point of a line.
func inFlight(line string, writers int) string { return fmt.Sprintf("%s, %d in flight", line, writers) }

// Durable measures appends that are synced before they are acknowledged: by the store alone and through a whole pipeline,
// against a prefilled log, which is what the disk allows. What was appended is read back from the file after each
// repetition; an event that is lost is an error.
func Durable(ctx context.Context, effort Effort) ([]Study, error) {
	rows, err := Measure(ctx, effort.runs(), durableWays(effort, openSQLite))
	if err != nil {
		return nil, err
	}
	memory, err := inMemory(os.TempDir())
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	lines, bars := durableStudies(rows)
	if memory {
		note := os.TempDir() + " is in memory: these figures say nothing about a disk; set TMPDIR to a folder on one"
		lines.Notes, bars.Notes = append(lines.Notes, note), append(bars.Notes, note)
	}
	return []Study{lines, bars}, nil
}

// durableStudies are the rows as lines over the events in flight, and side by side with their checks.
func durableStudies(rows []Row) (lines, bars Study) {
	work := fmt.Sprintf("append events of about 100 bytes of JSON to %d aggregates, each at the version it has, synced before the "+
		"acknowledgement", durableAggregates)
	columns := []string{"p50 µs", "p99 µs"}
	lines = Study{
		Name: "durable", Work: work, Unit: "events/s", Axis: "events in flight", Columns: columns,
	}
	bars = Study{Name: "durable-ways", Work: work, Unit: "events/s", Columns: columns}
	for _, row := range rows {
		if row.Line != "" {
			lines.Rows = append(lines.Rows, row)
		}
		if row.Line == "" || row.X == 64 || row.X == 1024 {
			row.Line, row.X = "", 0
			bars.Rows = append(bars.Rows, row)
		}
	}
	judgeDurable(&lines, &bars)
	return lines, bars
}

func judgeDurable(lines, bars *Study) {
	ours, log := inFlight(durableOurs, 64), inFlight(durableLog, 64)
	at64, atMany := bars.Ratio(ours, log), bars.Ratio(durableSend, inFlight(durableLog, 1024))
	hot := bars.Ratio(durableHot, ours)
	lines.Finding = fmt.Sprintf("The more is in flight, the more events share a sync: %.0f times as many events a second with "+
		"1024 callers as with one", lines.Ratio(inFlight(durableOurs, 1024), inFlight(durableOurs, 1)))
	bars.Finding = fmt.Sprintf("A whole pipeline with 64 callers stores %.0fk events a second, %.2f of what the disk allows; one hot "+
		"aggregate gets %.1f times the rate of %d", bars.Row(ours).Median()/1000, at64, hot, durableAggregates)
	bars.Notes = []string{
		"the prefilled log is hand-written: a file filled with zeros and synced beforehand, one committer, checksummed records, " +
			"expected versions checked, no index, no JSON, nothing that recognizes a command id",
		fmt.Sprintf("ours begins with %d events in the store, so that SQLite's log has its full length, as the prefilled log has",
			durableBefore),
		"everything else writes one file that SQLite opens; after each repetition it was closed, opened again and read: every " +
			"acknowledged event was there once, in sequence",
		"Do waits for one outcome before the next, Send has 64 goroutines with 16 receipts each; the latency of the source is the " +
			"pipeline's own, from admission to outcome",
	}
	bars.Checks = []Check{
		AtLeast("pipeline / prefilled log, 64 in flight", at64, 0.4),
		AtLeast("pipeline / prefilled log, 1024 in flight", atMany, 0.27), // 350k where the log does 1.3 M
		AtLeast("one aggregate / many, 64 in flight", hot, 1),
	}
}

// durableWays are all ways, the lines first.
func durableWays(effort Effort, open openStore) []Way {
	load := func(writers, events, aggregates int) jotLoad {
		l := newJotLoad(writers, effort.size(durableEvents[events]), aggregates)
		l.before = effort.size(durableBefore)
		return l
	}
	var ways []Way
	for _, writers := range []int{1, 8, 64, 256, 1024} {
		l := load(writers, writers, durableAggregates)
		ways = append(ways,
			Way{Name: inFlight(durableLog, writers), Line: durableLog, X: float64(writers), Run: l.prefilled},
			Way{Name: inFlight(durableOurs, writers), Line: durableOurs, X: float64(writers), Ours: true, Run: l.stored(open, l.does)},
		)
	}
	for _, writers := range []int{1, 64, 1024} {
		l := load(writers, writers, durableAggregates)
		ways = append(ways, Way{
			Name: inFlight("store alone", writers), Line: "store alone", X: float64(writers), Ours: true, Run: l.stored(open, l.appends),
		})
	}
	hot := load(64, 64, 1)
	senders := load(durableSenders, 1024, durableAggregates)
	source := load(1, 1024, durableAggregates)
	return append(ways,
		Way{Name: durableHot, Ours: true, Run: hot.stored(open, hot.does)},
		Way{Name: durableSend, Ours: true, Run: senders.stored(open, senders.sends(1024/durableSenders))},
		Way{Name: "pipeline, from a source, 4096 in flight", Ours: true, Run: source.stored(open, source.reads)},
	)
}
