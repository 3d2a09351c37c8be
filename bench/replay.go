package bench

import (
	"context"
	"fmt"
)

// What Replay reads.
const (
	replayEvents     = 1_000_000
	replayAggregates = 1000
	replayShort      = 1000
	replayLong       = 100_000
)

// Names of the ways of Replay that its findings rest on.
const (
	replayDecoded = "store, decoded"
	replayPlain   = "plain SELECT, not decoded"
	loadShort     = "stream of 1000 events"
	loadBeside    = "stream of 1000 events, beside 64 writers"
	writersAlone  = "64 writers"
	writersBeside = "64 writers, beside a reader that catches up"
)

// Replay measures reading from a file of a million events: all of them, single streams, and beside writers at full speed.
// What is read is counted and its sequence looked at; an event that is missing is an error.
func Replay(ctx context.Context, effort Effort) ([]Study, error) {
	return replayStudies(ctx, effort, archiveSizes{
		spread: effort.size(replayEvents), aggregates: replayAggregates, short: replayShort, long: effort.size(replayLong),
	})
}

func replayStudies(ctx context.Context, effort Effort, sizes archiveSizes) (studies []Study, err error) {
	err = inFolder(func(folder string) error {
		a, err := newArchive(ctx, folder, sizes)
		if err != nil {
			return err
		}
		for _, measure := range []func(context.Context, Effort, archiveSizes) (Study, error){
			a.replayStudy, a.loadStudy, a.followStudy, // in this sequence: the first comes before anybody appends
		} {
			study, err := measure(ctx, effort, sizes)
			if err != nil {
				return err
			}
			studies = append(studies, study)
		}
		return nil
	})
	return studies, err
}

func (a *archive) replayStudy(ctx context.Context, effort Effort, sizes archiveSizes) (Study, error) {
	s := Study{
		Name: "replay", Unit: "events/s", Columns: []string{"MiB of heap"},
		Work: fmt.Sprintf("read %d events of about 100 bytes of JSON from one file, in position sequence", sizes.all()),
		Notes: []string{
			"the plain table has a row for each event, a column for each thing that it holds, and no checksums: this is what a " +
				"program has that does without a store; nothing is decoded and nothing kept",
			"the heap is what the collector found in use beyond what was in use before, at most, while everything was read",
		},
	}
	var err error
	s.Rows, err = Measure(ctx, effort.runs(), []Way{
		{Name: replayDecoded, Ours: true, Run: a.replay(a.open)},
		{Name: "store, not decoded", Ours: true, Run: a.replay(a.openRaw)},
		{Name: replayPlain, Run: a.selects},
	})
	if err != nil {
		return Study{}, err
	}
	decoded, ratio := s.Row(replayDecoded), s.Ratio(replayDecoded, replayPlain)
	s.Finding = fmt.Sprintf("A replay reads %.2f million events a second with their payloads decoded, %.2f of what SQLite steps "+
		"through, in %.0f MiB", decoded.Median()/1e6, ratio, decoded.Columns[0])
	s.Checks = []Check{
		AtLeast("decoded events/s", decoded.Median(), 1.5e6),
		AtLeast("decoded / plain SELECT", ratio, 0.3), // 1.5 M where SQLite does 4.7 M
		AtMost("MiB of heap while everything is read", decoded.Columns[0], 64),
	}
	return s, nil
}

func (a *archive) loadStudy(ctx context.Context, effort Effort, sizes archiveSizes) (Study, error) {
	s := Study{
		Name: "load", Unit: "ms", Less: true, Columns: []string{"p99 ms"},
		Work: fmt.Sprintf("load the stream of one aggregate, spread evenly over a log of %d events, with payloads decoded",
			sizes.all()),
		Notes: []string{"each sample is the median of many loads of the same stream: all but the first find it in memory, if it is " +
			"not too long for that"},
	}
	long := fmt.Sprintf("stream of %d events", sizes.long)
	var err error
	s.Rows, err = Measure(ctx, effort.runs(), []Way{
		{Name: loadShort, Ours: true, Run: a.loads(shortStream, sizes.short, effort.size(100))},
		{Name: loadBeside, Ours: true, Run: a.loadsBeside(shortStream, sizes.short, effort.size(100))},
		{Name: long, Ours: true, Run: a.loads(longStream, sizes.long, 3)},
	})
	if err != nil {
		return Study{}, err
	}
	beside := s.Row(loadBeside).Median()
	s.Finding = fmt.Sprintf("A stream of %d events is loaded in %.1f ms while 64 writers append at full speed, in %.1f ms when they "+
		"do not", sizes.short, beside, s.Row(loadShort).Median())
	s.Checks = []Check{AtMost("ms for 1000 events beside 64 writers", beside, 4)}
	return s, nil
}

func (a *archive) followStudy(ctx context.Context, effort Effort, sizes archiveSizes) (Study, error) {
	s := Study{
		Name: "follow", Unit: "events appended/s", Columns: []string{"events read/s"},
		Work: fmt.Sprintf("append one event at a time from %d goroutines, synced before the acknowledgement, to a log of %d events, "+
			"while nobody reads and while one reader catches up with it", crewSize, sizes.all()),
		Notes: []string{"the reader goes on until it has read every event that the writers appended meanwhile"},
	}
	var err error
	s.Rows, err = Measure(ctx, effort.runs(), []Way{
		{Name: writersAlone, Ours: true, Run: a.writes(effort.size(1000))},
		{Name: writersBeside, Ours: true, Run: a.follows},
	})
	if err != nil {
		return Study{}, err
	}
	s.Finding = fmt.Sprintf("A reader that catches up reads %.2f million events a second beside %d writers, which keep %.0f %% of their "+
		"speed", s.Row(writersBeside).Columns[0]/1e6, crewSize, 100*s.Ratio(writersBeside, writersAlone))
	return s, nil
}
