package sinks_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks"
)

var someID = engine.NameID("test", "some")

// someMessage is complete, with its payload encoded.
func someMessage(data engine.Raw) engine.Message {
	return engine.Message{
		ID: someID, Type: "order.create", Source: "shop", Subject: "order-1",
		Time: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), Data: data, CorrelationID: someID,
	}
}

// written pours the elements into a sink and gives its lines, each read as JSON.
func written(t *testing.T, codec engine.Codec, elements ...any) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	sink := sinks.JSONLines(&out, codec)
	pour(sink, elements...)
	require.NoError(t, sink.Err())
	var lines []map[string]any
	for line := range strings.Lines(out.String()) {
		require.True(t, strings.HasSuffix(line, "\n"))
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &object), line)
		lines = append(lines, object)
	}
	return lines
}

func TestJSONLinesWritesEventsAndCommands(t *testing.T) {
	lines := written(t, nil,
		&engine.Event{Message: someMessage(engine.Raw("{\n\"total\": 5 }")), Version: 3, Position: 9},
		&engine.Command{Message: someMessage(engine.Raw(`{"a":"<&>"}`))},
	)
	require.Len(t, lines, 2, "a line end in a payload must not end the line")
	require.Equal(t, map[string]any{
		"specversion": "1.0", "id": someID.String(), "type": "order.create", "source": "shop", "subject": "order-1",
		"time": "2026-01-31T12:00:00Z", "datacontenttype": "application/json", "correlationid": someID.String(),
		"data": map[string]any{"total": 5.0}, "version": 3.0, "position": "9",
	}, lines[0])
	require.Equal(t, map[string]any{"a": "<&>"}, lines[1]["data"])
	require.NotContains(t, lines[1], "version")
}

type createOrder struct{ Total int }

func TestJSONLinesEncodesAndNamesByTheCodec(t *testing.T) {
	registry := engine.NewRegistry()
	engine.OnCommand(registry, "order.create", "none", func(context.Context, *engine.Command, createOrder) ([]any, error) {
		return nil, nil
	})
	lines := written(t, registry, engine.NewCommand("order-1", createOrder{Total: 5}))
	require.Equal(t, "order.create", lines[0]["type"])
	require.Equal(t, map[string]any{"Total": 5.0}, lines[0]["data"])
}

func TestJSONLinesWritesDeadLetters(t *testing.T) {
	reason := errors.New("out of \"stock\"\n")
	tests := map[string]struct {
		letter engine.DeadLetter
		want   map[string]any
	}{
		"not read": {
			letter: engine.DeadLetter{
				Command: &engine.Command{Message: engine.Message{Data: engine.Raw("{half\ta line")}, Origin: "a:7", Defect: reason},
				Err:     errors.New("other"),
			},
			want: map[string]any{"origin": "a:7", "reason": "other", "raw": "{half\ta line"},
		},
		"not UTF-8": {
			letter: engine.DeadLetter{
				Command: &engine.Command{Message: engine.Message{Data: engine.Raw("\xff\x00")}, Origin: "a\xff:7", Defect: reason},
			},
			want: map[string]any{"origin": "a\uFFFD:7", "reason": "out of \"stock\"\n", "raw_base64": "/wA="},
		},
		"foreign element": {
			letter: engine.DeadLetter{Command: engine.AsCommand(42), Err: reason},
			want:   map[string]any{"reason": "out of \"stock\"\n", "raw": "42"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, written(t, nil, &test.letter)[0])
		})
	}
}

func TestJSONLinesWritesDeadLettersThatAreNoCommands(t *testing.T) {
	nameless, garbled := someMessage(engine.Raw(`{}`)), someMessage(engine.Raw("some payload"))
	nameless.Type = ""
	garbled.Subject = "\xff"
	lines := written(t, nil,
		&engine.DeadLetter{},
		&engine.DeadLetter{Command: &engine.Command{Message: nameless}},
		&engine.DeadLetter{Command: &engine.Command{Message: garbled}},
	)
	require.Contains(t, lines[0]["raw"], "ID:00000000-0000")
	require.Contains(t, lines[1]["raw"], `{"specversion":"1.0","id":"`+someID.String()+`","type":""`)
	text, err := base64.StdEncoding.DecodeString(lines[2]["raw_base64"].(string))
	require.NoError(t, err)
	require.Contains(t, string(text), "Subject:\xff")
	require.Contains(t, string(text), "some payload")
}

func TestJSONLinesWritesAllThatIsKnownOfADeadLetter(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 5, time.UTC)
	letter := engine.NewDeadLetter(&engine.Command{Message: someMessage(engine.Raw(`{}`)), Origin: "a:7"}, &engine.HandlerError{
		Handler: "mail", Err: &engine.PanicError{Value: "boom", Stack: []byte("main.go:7")},
	})
	letter.Attempts, letter.First, letter.Last, letter.State, letter.Number = 5, at, at.Add(time.Hour), engine.Parked, 17
	line := written(t, nil, letter)[0]
	require.NotEmpty(t, line["command"])
	delete(line, "command")
	reason := letter.Err.Error()
	require.Equal(t, map[string]any{
		"id": someID.String(), "number": 17.0, "state": "parked", "origin": "a:7", "reason": reason, "handler": "mail",
		"causes": []any{"*engine.HandlerError: " + reason, "*engine.PanicError: panic: boom"}, "attempts": 5.0,
		"first": "2026-01-31T12:00:00.000000005Z", "last": "2026-01-31T13:00:00.000000005Z", "stack": "main.go:7",
	}, line)
}

func TestJSONLinesDeadLetterCanBeReadAgain(t *testing.T) {
	command := &engine.Command{Message: someMessage(engine.Raw(`{"total":5}`)), Origin: "orders.jsonl:17"}
	got := written(t, nil, &engine.DeadLetter{Command: command, Err: errors.New("no")})[0]
	require.Equal(t, "orders.jsonl:17", got["origin"])
	object, err := json.Marshal(got["command"])
	require.NoError(t, err)
	again, err := engine.UnmarshalCloudCommand(object)
	require.NoError(t, err)
	again.ContentType = ""
	require.Equal(t, command.Message, again.Message)
}

func TestJSONLinesStopsAtTheFirstError(t *testing.T) {
	good := &engine.Command{Message: someMessage(engine.Raw(`{}`))}
	for name, bad := range map[string]any{
		"foreign":     "text",
		"nil":         nil,
		"nil event":   (*engine.Event)(nil),
		"nil command": (*engine.Command)(nil),
		"nil letter":  (*engine.DeadLetter)(nil),
		"defect":      engine.AsCommand(1),
		"no codec":    engine.NewCommand("order-1", createOrder{}),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			sink := sinks.JSONLines(&out, nil)
			pour(sink, good, bad, good)
			require.Error(t, sink.Err())
			require.Equal(t, 1, strings.Count(out.String(), "\n"), "what came before the error is written, what came after is not")
		})
	}
}

type brokenWriter struct{ panics bool }

func (w brokenWriter) Write([]byte) (int, error) {
	if w.panics {
		panic("no disk")
	}
	return 0, io.ErrClosedPipe
}

func TestJSONLinesTellsWriteErrors(t *testing.T) {
	event := &engine.Event{Message: someMessage(engine.Raw(`{}`))}
	many := make([]any, 1000)
	for i := range many {
		many[i] = event
	}
	sink := sinks.JSONLines(brokenWriter{}, nil)
	pour(sink, many...)
	require.ErrorIs(t, sink.Err(), io.ErrClosedPipe)
	require.EqualError(t, sink.Err(), "sinks: JSON lines: io: read/write on closed pipe")

	sink = sinks.JSONLines(brokenWriter{panics: true}, nil)
	pour(sink, many...)
	require.EqualError(t, sink.Err(), "panic: no disk")
}

func TestJSONLinesFlushesWhenNothingWaits(t *testing.T) {
	r, w := io.Pipe()
	sink := sinks.JSONLines(w, nil)
	in := sink.In()
	in <- &engine.Command{Message: someMessage(engine.Raw(`{}`))}
	start := make([]byte, 5)
	_, err := io.ReadFull(r, start) // the inlet is still open: only an early flush lets this return
	require.NoError(t, err)
	require.Equal(t, `{"spe`, string(start))
	require.NoError(t, r.Close())
	close(in)
	sink.AwaitCompletion()
}
