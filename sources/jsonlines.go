package sources

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

const (
	lineMost  = 16 << 20 // bytes of the longest line that is read: a full payload fits however it is escaped
	lineKept  = 64 << 10 // bytes that are kept of a longer one
	lineSpare = 1 << 20  // bytes of buffer that are kept for the next long line
)

// JSONLines is the source of commands written one a line, each a CloudEvents 1.0 JSON object. The origin of a command is
// the name of the reader, if it has one as an *os.File has, or else "input", and the number of the line, from 1, as in
// "orders.jsonl:17". JSONLinesFrom gives another name.
//
// A line that is no such command becomes a command with a Defect that holds the line whole, and the source goes on. So
// does a line of more than 16 MiB, of which the first 64 KiB are kept. Blank lines are passed over but counted. Lines
// may end with LF or CR LF, the last with nothing, and a UTF-8 byte order mark may stand ahead of the first.
//
// An error of the reader ends the source with that error; a line that it cut off is not handed over. Payloads stay
// engine.Raw until they are handled.
//
// The reader is read in one goroutine of the source, at most two batches of 256 lines ahead, fewer when they are long. A
// line is handed over at once when no other waits: a pipe typed by hand answers line by line.
//
// A read cannot be cancelled in general. Once the context is done, a reader that has SetReadDeadline (pipes, sockets) is
// interrupted with it, and the deadline is taken away after that. Any other reader is given 100 ms; then that goroutine is
// left behind and ends when the read returns. Lines read ahead are dropped. The reader is never closed: whoever opened it
// closes it.
func JSONLines(r io.Reader) *Source {
	name := ""
	if named, ok := r.(interface{ Name() string }); ok {
		name = named.Name()
	}
	if name == "" {
		name = "input"
	}
	return JSONLinesFrom(name, r)
}

// JSONLinesFrom is JSONLines for a reader that is called name in every origin.
func JSONLinesFrom(name string, r io.Reader) *Source {
	return newSource(func(ctx context.Context, most int, emit func([]any) error) error {
		lines := &lineReader{name: name, r: bufio.NewReaderSize(r, lineKept)}
		return ahead{fill: lines.fill, interrupt: interrupter(r)}.produce(ctx, most, emit)
	})
}

// interrupter gives what makes a blocked read of r return, or nil when nothing does.
func interrupter(r io.Reader) func() (restore func()) {
	d, ok := r.(interface{ SetReadDeadline(t time.Time) error })
	if !ok {
		return nil
	}
	return func() func() {
		if d.SetReadDeadline(time.Unix(1, 0)) != nil { // long ago; regular files and terminals refuse any
			return func() {}
		}
		return func() { _ = d.SetReadDeadline(time.Time{}) }
	}
}

// lineReader makes commands of lines.
type lineReader struct {
	name   string
	r      *bufio.Reader
	number int    // of the line that was read last, from 1
	long   []byte // where lines are put together that do not fit into r's buffer
}

// fill reads to the end.
func (l *lineReader) fill(ctx context.Context, put func(any, int) bool) error {
	for {
		line, cut, err := l.next()
		if err != nil && !errors.Is(err, io.EOF) {
			if ctx.Err() != nil {
				return nil // the read was interrupted
			}
			return fmt.Errorf("sources: %s:%d: %w", l.name, l.number, err)
		}
		if len(bytes.Trim(line, " \t\r")) > 0 { // the white space of JSON
			cmd := l.command(line, cut)
			weight := 0
			if raw, ok := cmd.Data.(engine.Raw); ok {
				weight = len(raw)
			}
			if !put(cmd, weight) {
				return nil
			}
		}
		if err != nil {
			return nil
		}
	}
}

// next gives the next line without its end, and tells whether only the beginning of it was kept. The line is good until
// the next call. At the end there may be a line together with io.EOF.
func (l *lineReader) next() (line []byte, cut bool, err error) {
	l.number++
	line, err = l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, cut, err = l.assemble(line)
	}
	if l.number == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	if before, ended := bytes.CutSuffix(line, []byte("\n")); ended && !cut {
		line = bytes.TrimSuffix(before, []byte("\r"))
	}
	if len(line) > lineMost {
		line, cut = line[:lineKept], true
	}
	return line, cut, err
}

// assemble puts a line together of the part that filled the buffer and those after it. Of a line that turns out too long
// it keeps the beginning and drops the rest as it comes.
func (l *lineReader) assemble(part []byte) (line []byte, cut bool, err error) {
	if cap(l.long) > lineSpare {
		l.long = nil
	}
	l.long, err = l.long[:0], bufio.ErrBufferFull
	for {
		switch {
		case cut:
		case len(l.long)+len(part) <= lineMost+len("\r\n"):
			l.long = append(l.long, part...)
		default:
			l.long, cut = bytes.Clone(l.long[:lineKept]), true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l.long, cut, err
		}
		part, err = l.r.ReadSlice('\n')
	}
}

// command reads a line. Whatever it keeps of the line is a copy.
func (l *lineReader) command(line []byte, cut bool) *engine.Command {
	var (
		cmd *engine.Command
		err error
	)
	if cut {
		err = &engine.LimitError{What: "line", Why: fmt.Sprintf(
			"has more than %d bytes; the first %d are kept", lineMost, len(line),
		)}
	} else {
		cmd, err = engine.UnmarshalCloudCommand(line)
	}
	if err != nil {
		cmd = &engine.Command{Message: engine.Message{Data: engine.Raw(bytes.Clone(line))}, Defect: err}
	}
	cmd.Origin = l.name + ":" + strconv.Itoa(l.number)
	return cmd
}
