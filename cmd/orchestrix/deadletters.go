package main

import (
	"fmt"
	"io"
	"os"

	gostreams "github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks"
)

// deadLettersShown is how many dead letters are printed one by one; all of them are in the file.
const deadLettersShown = 20

// deadLetters prints dead letters to w with their place and reason, and keeps each whole in a file, which is made with
// the first and added to by later runs.
type deadLetters struct {
	path  string
	w     io.Writer
	file  *os.File
	lines *sinks.JSONLinesSink
	count int
	sink  *sinks.FuncSink
}

func newDeadLetters(path string, w io.Writer, codec engine.Codec) *deadLetters {
	d := &deadLetters{path: path, w: w}
	d.lines = sinks.JSONLines(writer(d.write), codec)
	d.sink = sinks.Func(d.take)
	return d
}

// Sink is where the pipeline sends them.
func (d *deadLetters) Sink() gostreams.Sink { return d.sink }

func (d *deadLetters) take(letter *engine.DeadLetter) error {
	d.count++
	if d.count <= deadLettersShown {
		origin := letter.Command.Origin
		if origin == "" {
			origin = letter.Command.ID.String()
		}
		fmt.Fprintf(d.w, "dead letter %s: %v\n", origin, letter.Err)
	}
	if d.count == deadLettersShown+1 {
		fmt.Fprintf(d.w, "more dead letters: see %s\n", d.path)
	}
	d.lines.In() <- letter
	return nil
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

// Close flushes and closes the file. Call it after the pipeline has ended. Its error means that dead letters may be
// missing from the file.
func (d *deadLetters) Close() error {
	close(d.lines.In())
	d.lines.AwaitCompletion()
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
