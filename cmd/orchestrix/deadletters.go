package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	gostreams "github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
)

// deadLettersShown is how many dead letters are printed one by one; all of them are kept.
const deadLettersShown = 20

// lettersGrace is how long Close waits for a file, or a standard error, that takes nothing.
const lettersGrace = 5 * time.Second

var errLettersHang = errors.New("dead letters are missing from their file: it does not take them")

// deadLetters prints dead letters to w with their place and reason. Those that rest in no durable store it keeps whole in a
// file, which is made with the first and added to by later runs.
type deadLetters struct {
	path    string
	store   string // the name of a durable store that keeps dead letters; empty when there is none
	w       io.Writer
	file    *os.File
	lines   *sinks.JSONLinesSink
	count   int // of all
	filed   int // in the file
	waiting int // that did not fail, but wait for another letter
	sink    *sinks.FuncSink

	// Who has put something in is using lines and count: take for one letter, Close for good. A lock that Close can stop
	// waiting for: a pipeline may have left its sink behind in the middle of a letter.
	using chan struct{}
}

func newDeadLetters(path string, w io.Writer, codec engine.Codec) *deadLetters {
	d := &deadLetters{path: path, w: w, using: make(chan struct{}, 1)}
	d.lines = sinks.JSONLines(writer(d.write), codec)
	d.sink = sinks.Func(d.take)
	return d
}

// Sink is where the pipeline sends them.
func (d *deadLetters) Sink() gostreams.Sink { return d.sink }

// take ends with the error of the file as soon as there is one, so that the pipeline can see it and stop reading.
func (d *deadLetters) take(letter *engine.DeadLetter) error {
	select {
	case d.using <- struct{}{}:
	default:
		return errLettersHang // closed: nobody else is ever here
	}
	defer func() { <-d.using }()
	d.count++
	if d.count <= deadLettersShown {
		fmt.Fprintf(d.w, "dead letter %s: %v\n", placeOf(letter.Command), letter.Err)
	}
	stored := d.store != "" && letter.Number > 0
	if d.count == deadLettersShown+1 {
		where := d.path
		if stored {
			where = "orchestrix letters list --store " + d.store
		}
		fmt.Fprintf(d.w, "more dead letters: see %s\n", where)
	}
	if errors.Is(letter.Err, pipeline.ErrParked) {
		d.waiting++
	}
	if stored {
		return nil
	}
	d.filed++
	d.lines.In() <- letter
	return d.lines.Err()
}

// where says, after Close, where the dead letters of the run are and what to do about them; nothing when there are none.
func (d *deadLetters) where() string {
	var says []string
	if n := d.count - d.filed; n > 0 {
		says = append(says, fmt.Sprintf("%s in the store; when the cause is repaired: orchestrix letters retry --all --store %s\n"+
			"  to see them: orchestrix letters list --store %s", counted(n, "dead letter"), d.store, d.store))
	}
	if d.filed > 0 {
		says = append(says, fmt.Sprintf("%s in %s", counted(d.filed, "dead letter"), d.path))
	}
	return strings.Join(says, "\n")
}

// write opens the file with the first line.
func (d *deadLetters) write(line []byte) (int, error) {
	if d.file == nil {
		file, err := os.OpenFile(d.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return 0, fmt.Errorf("the dead letters cannot be kept: %w", err)
		}
		d.file = file
	}
	return d.file.Write(line)
}

// Close flushes and closes the file. Call it once, after the pipeline has ended. Its error means that dead letters may be
// missing from the file. It waits for nothing that hangs: the program is about to end.
func (d *deadLetters) Close() error {
	timer := time.NewTimer(lettersGrace)
	defer timer.Stop()
	select {
	case d.using <- struct{}{}: // for good: a letter that comes later is refused
	case <-timer.C:
		return errLettersHang
	}
	close(d.lines.In())
	flushed := make(chan struct{}) // the goroutine below closes it; nobody sends
	var flushing sync.WaitGroup
	flushing.Go(func() { // left behind when the file hangs
		defer close(flushed)
		d.lines.AwaitCompletion()
	})
	select {
	case <-flushed:
	case <-timer.C:
		return errLettersHang
	}
	err := d.lines.Err()
	if d.file == nil {
		return err
	}
	if syncErr := d.file.Sync(); err == nil {
		err = syncErr
	}
	if closeErr := d.file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// writer makes an io.Writer of a function.
type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// placeOf is where a command comes from, or its id.
func placeOf(cmd *engine.Command) string { return cmp.Or(cmd.Origin, cmd.ID.String()) }
