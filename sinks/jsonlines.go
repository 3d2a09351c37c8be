package sinks

import (
	"bufio"
	"fmt"
	"io"
	"strings"
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
//   - *engine.DeadLetter: {"origin":…, "reason":…, "command":{…}} with the command as a CloudEvents object that
//     [engine.UnmarshalCloudCommand] reads. A command that has a Defect, or is no such object, stands there as "raw"
//     instead: what was read, whole, as text, or as "raw_base64" when it is not valid UTF-8.
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
	return named(cmd, s.codec).CloudEvent(s.codec)
}

// named gives the command with its type, which a command made by engine.NewCommand leaves to the registry.
func named(cmd *engine.Command, codec engine.Codec) *engine.Command {
	router, ok := codec.(interface {
		Route(cmd *engine.Command) (*engine.Route, error)
	})
	if cmd.Type != "" || !ok {
		return cmd
	}
	route, err := router.Route(cmd)
	if err != nil {
		return cmd
	}
	twin := *cmd
	twin.Type = route.Type
	return &twin
}

// deadLetter is the line of an engine.DeadLetter. One of the last three is set.
type deadLetter struct {
	Origin    string         `json:"origin,omitzero"`
	Reason    string         `json:"reason"`
	Command   jsontext.Value `json:"command,omitzero"`
	Raw       *string        `json:"raw,omitzero"`
	RawBase64 []byte         `json:"raw_base64,omitzero"`
}

// deadLetter writes a dead letter whatever it holds: it is the last place where the command is seen.
func (s *JSONLinesSink) deadLetter(letter *engine.DeadLetter) ([]byte, error) {
	var line deadLetter
	cmd, reason := letter.Command, letter.Err
	if cmd == nil {
		cmd = &engine.Command{}
	}
	if reason == nil {
		reason = cmd.Defect
	}
	if reason != nil {
		line.Reason = strings.ToValidUTF8(reason.Error(), "\uFFFD")
	}
	line.Origin = strings.ToValidUTF8(cmd.Origin, "\uFFFD")
	object, err := s.command(cmd)
	if err != nil {
		object = nil // not the beginning of one either
	} else if _, err = engine.UnmarshalCloudCommand(object); err == nil {
		line.Command = object
		return json.Marshal(line)
	}
	if raw := rawText(cmd, object); utf8.ValidString(raw) {
		line.Raw = &raw
	} else {
		line.RawBase64 = []byte(raw)
	}
	return json.Marshal(line)
}

// rawText is what was read of a command with a defect, and the most that can be told of any other: its object when there
// is one, or else what Go prints of it.
func rawText(cmd *engine.Command, object []byte) string {
	message := cmd.Message
	if raw, ok := message.Data.(engine.Raw); ok {
		message.Data = string(raw)
	}
	text, read := message.Data.(string)
	switch {
	case object != nil:
		return string(object)
	case cmd.Defect != nil && read:
		return text
	case cmd.Defect != nil:
		return fmt.Sprintf("%+v", message.Data) // a foreign element
	}
	return fmt.Sprintf("%+v", message)
}
