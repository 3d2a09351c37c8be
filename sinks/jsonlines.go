package sinks

import (
	"bufio"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

var _ streams.Sink = (*JSONLinesSink)(nil)

// A JSONLinesSink writes each element as one line of JSON.
type JSONLinesSink struct {
	drain
	w     *bufio.Writer
	codec engine.Codec
}

// JSONLines makes a sink that writes to w, one line for each element, in stream sequence:
//
//   - *engine.Event and *engine.Command: a CloudEvents 1.0 object.
//   - *engine.DeadLetter: {"id":…, "state":…, "origin":…, "reason":…, "causes":[…], "handler":…, "attempts":…, "first":…,
//     "last":…, "stack":…, "command":{…}}, and "number" when a store keeps it; what is not known is left out. The command is
//     a CloudEvents object that [engine.UnmarshalCloudCommand] reads. One that has a Defect, or is no such object, stands
//     there as "raw" instead: what was read, whole, as text, or as "raw_base64" when it is not valid UTF-8.
//
// Payloads are encoded by the codec, usually the *engine.Registry; it may be nil when all of them are engine.Raw.
//
// Lines are buffered, and flushed whenever no element waits and at the end. The first error ends the writing, as in
// Func: an element of another type, a payload that cannot be encoded, an error of w; Err tells it. The lines before it
// are flushed, unless it is w's: then the last of them may be missing or cut. The sink never closes w.
func JSONLines(w io.Writer, codec engine.Codec) *JSONLinesSink {
	s := &JSONLinesSink{w: bufio.NewWriterSize(w, 64<<10), codec: codec}
	s.init(s.write, s.flush)
	return s
}

func (s *JSONLinesSink) write(element any) error {
	line, err := s.line(element)
	if err != nil {
		return err
	}
	if _, err = s.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("sinks: JSON lines: %w", err)
	}
	return nil
}

func (s *JSONLinesSink) flush() error {
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("sinks: JSON lines: %w", err)
	}
	return nil
}

// line makes the line of an element, without its end.
func (s *JSONLinesSink) line(element any) ([]byte, error) {
	switch e := element.(type) {
	case *engine.Event:
		if e != nil {
			return e.CloudEvent(s.codec)
		}
	case *engine.Command:
		if e != nil {
			return s.command(e)
		}
	case *engine.DeadLetter:
		if e != nil {
			return s.deadLetter(e)
		}
	}
	return nil, &engine.PayloadError{Want: "*engine.Event, *engine.Command or *engine.DeadLetter", Got: element}
}

// command refuses what no source could read: its line would look like a command and be none.
func (s *JSONLinesSink) command(cmd *engine.Command) ([]byte, error) {
	if cmd.Defect != nil {
		return nil, fmt.Errorf("sinks: command from %s could not be read: %w", cmd.Origin, cmd.Defect)
	}
	return cmd.CloudEvent(s.codec)
}

// deadLetter is the line of an engine.DeadLetter. One of the last three is set.
type deadLetter struct {
	ID        string         `json:"id,omitzero"`
	Number    uint64         `json:"number,omitzero"`
	State     string         `json:"state,omitzero"`
	Origin    string         `json:"origin,omitzero"`
	Reason    string         `json:"reason"`
	Causes    []string       `json:"causes,omitzero"`
	Handler   string         `json:"handler,omitzero"`
	Attempts  int            `json:"attempts,omitzero"`
	First     time.Time      `json:"first,omitzero"`
	Last      time.Time      `json:"last,omitzero"`
	Stack     string         `json:"stack,omitzero"`
	Command   jsontext.Value `json:"command,omitzero"`
	Raw       *string        `json:"raw,omitzero"`
	RawBase64 []byte         `json:"raw_base64,omitzero"`
}

// deadLetter writes a dead letter whatever it holds: it may be the last place where the command is seen.
func (s *JSONLinesSink) deadLetter(letter *engine.DeadLetter) ([]byte, error) {
	if letter.Command == nil {
		twin := *letter
		twin.Command, letter = &engine.Command{}, &twin
	}
	text, unreadable := letter.Written(s.codec)
	if text == nil {
		return nil, unreadable
	}
	kept := letter.Kept()
	line := deadLetter{
		Number: kept.Number, Origin: kept.Command.Origin, Reason: letter.Reason(), Causes: kept.Causes, Handler: kept.Handler,
		Attempts: kept.Attempts, First: kept.First, Last: kept.Last, Stack: kept.Stack,
	}
	if !kept.ID.IsZero() {
		line.ID, line.State = kept.ID.String(), kept.State.String()
	}
	switch {
	case unreadable == nil:
		line.Command = text
	case utf8.Valid(text):
		line.Raw = new(string(text))
	default:
		line.RawBase64 = text
	}
	return json.Marshal(line)
}
