package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/orchestrix-go/orchestrix/pipeline"
)

// plainEvery is how often a line says how far a run is where there is no terminal.
const plainEvery = 2 * time.Second

// watch prints to w how far the pipeline is, until the function it gives is called: a bar on a terminal, otherwise a line
// every two seconds. Total is the number of commands to come, 0 when nobody knows.
func watch(p *pipeline.Pipeline, total int, w io.Writer) (stop func()) {
	done := make(chan struct{}) // stop closes it; nobody sends
	var ended sync.WaitGroup
	show := lines
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		show = bar
	}
	ended.Go(func() { show(p, total, w, done) })
	return func() {
		close(done)
		ended.Wait()
	}
}

func lines(p *pipeline.Pipeline, total int, w io.Writer, done <-chan struct{}) {
	tick := time.NewTicker(plainEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-done:
			return
		}
		r := p.Report()
		done := counted(r.Commands, "command")
		if total > 0 {
			done = count(r.Commands) + " of " + counted(total, "command")
		}
		fmt.Fprintf(w, "%s, %s/s\n", done, count(int(r.Rate())))
	}
}

func bar(p *pipeline.Pipeline, total int, w io.Writer, done <-chan struct{}) {
	if os.Getenv("NO_COLOR") != "" {
		text.DisableColors()
	}
	pw := progress.NewWriter()
	pw.SetOutputWriter(w)
	pw.SetUpdateFrequency(100 * time.Millisecond)
	pw.SetStyle(progress.StyleBlocks)
	pw.SetAutoStop(true) // ends with the tracker: a Stop that comes before Render has begun would be lost
	pw.Style().Visibility.Speed = true
	tracker := &progress.Tracker{Message: "commands", Total: int64(total)}
	pw.AppendTracker(tracker)
	var rendering sync.WaitGroup
	rendering.Go(pw.Render)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			tracker.SetValue(int64(p.Report().Commands))
			continue
		case <-done:
		}
		tracker.SetValue(int64(p.Report().Commands))
		tracker.MarkAsDone()
		rendering.Wait()
		return
	}
}

// count writes a number with a comma between each three digits.
func count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted is "1 command" or "2 commands".
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return count(n) + " " + noun
}
