package engine_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// required are the attributes without which no line is a command; the id ends in 1.
const required = `"specversion":"1.0","id":"00000000-0000-7000-8000-000000000001",` +
	`"type":"purse.deposit","source":"shop","subject":"purse-1"`

// read reads a command from the required attributes and more.
func read(more string) (*engine.Command, error) {
	return engine.UnmarshalCloudCommand([]byte("{" + required + more + "}"))
}

// full is a command with every attribute set.
func full(t testing.TB) *engine.Command {
	return &engine.Command{Message: engine.Message{
		ID: id(t, 1), Type: "purse.deposit", Source: "shop", Subject: "purse-1",
		Time: time.Date(2026, 1, 31, 12, 0, 0, 120_000_000, time.UTC), Data: engine.Raw(`{"Cents":5}`),
		ContentType: "application/json", Schema: "2", CorrelationID: id(t, 2), CausationID: id(t, 3),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Metadata:    map[string]string{"tenant": "north", "b": "2"},
	}}
}

const fullJSON = `{` + required + `,"time":"2026-01-31T12:00:00.12Z","datacontenttype":"application/json","dataschema":"2",` +
	`"correlationid":"00000000-0000-7000-8000-000000000002","causationid":"00000000-0000-7000-8000-000000000003",` +
	`"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","data":{"Cents":5},"b":"2","tenant":"north"}`

func TestCloudCommandRoundTrip(t *testing.T) {
	for range 20 { // the sequence of a map would show
		line, err := full(t).CloudEvent(nil)
		require.NoError(t, err)
		require.Equal(t, fullJSON, string(line))
	}
	back, err := engine.UnmarshalCloudCommand([]byte(fullJSON))
	require.NoError(t, err)
	require.Equal(t, full(t), back)
}

// What is not set is not written, and a payload that is a Go value goes through the codec.
func TestMarshalCloudCommandShortest(t *testing.T) {
	r := engine.NewRegistry(purse{})
	cmd := &engine.Command{Message: engine.Message{
		ID: id(t, 1), Type: "purse.deposit", Source: "shop", Subject: "purse-1", Data: deposit{5},
	}}
	line, err := cmd.CloudEvent(r)
	require.NoError(t, err)
	require.Equal(t, `{`+required+`,"datacontenttype":"application/json","data":{"Cents":5}}`, string(line))
}

func TestMarshalCloudEvent(t *testing.T) {
	r := engine.NewRegistry(purse{})
	event := &engine.Event{
		Message: engine.Message{
			ID: id(t, 1), Type: "purse.deposited", Source: "shop", Subject: "purse-1", Data: deposited{5},
			Time:          time.Date(2026, 1, 31, 13, 0, 0, 0, time.FixedZone("", 3600)),
			CorrelationID: id(t, 2), CausationID: id(t, 3),
		},
		Version: 7, Position: 1<<64 - 1, // a position passes what JavaScript can count, so it is a string
	}
	line, err := event.CloudEvent(r)
	require.NoError(t, err)
	require.Equal(t, `{"specversion":"1.0","id":"00000000-0000-7000-8000-000000000001","type":"purse.deposited",`+
		`"source":"shop","subject":"purse-1","time":"2026-01-31T12:00:00Z","datacontenttype":"application/json",`+
		`"correlationid":"00000000-0000-7000-8000-000000000002","causationid":"00000000-0000-7000-8000-000000000003",`+
		`"data":{"Cents":5},"version":7,"position":"18446744073709551615"}`, string(line))

	_, err = event.CloudEvent(nil)
	require.EqualError(t, err, "engine: want a engine.Raw, got a engine_test.deposited")
	event.Data = engine.Raw(`{}`)
	_, err = event.CloudEvent(nil)
	require.NoError(t, err, "what is encoded needs no codec")
	event.Metadata = map[string]string{"version": "1"}
	_, err = event.CloudEvent(nil)
	require.ErrorContains(t, err, `duplicate object member name "version"`)
	event.Metadata = map[string]string{"tenant": "\xff"}
	_, err = event.CloudEvent(nil)
	require.ErrorContains(t, err, "engine: metadata of 00000000-0000-7000-8000-000000000001: ")
	event.Data = make(chan int)
	_, err = event.CloudEvent(r)
	require.ErrorContains(t, err, "cannot be encoded")
}

func TestMarshalCloudCommandNeedsACodec(t *testing.T) {
	_, err := engine.NewCommand("purse-1", deposit{}).CloudEvent(nil)
	require.EqualError(t, err, "engine: want a engine.Raw, got a engine_test.deposit")
}

// A line may come from a buffer that is used again for the next one.
func TestUnmarshalCloudCommandKeepsNothingOfTheLine(t *testing.T) {
	line := []byte(fullJSON)
	cmd, err := engine.UnmarshalCloudCommand(line)
	require.NoError(t, err)
	for i := range line {
		line[i] = '#'
	}
	require.Equal(t, full(t), cmd)
}

// Payload by content type and by how it is sent: JSON as it is, anything else in base64.
func TestCloudCommandData(t *testing.T) {
	base := func(text string) string {
		return `"data_base64":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"`
	}
	for _, c := range []struct{ name, in, data, out string }{
		{"none", ``, "", `,"datacontenttype":"application/json"`},
		{"object", `,"data":{"a":[1,"x",null]}`, `{"a":[1,"x",null]}`, `,"datacontenttype":"application/json","data":{"a":[1,"x",null]}`},
		{"text", `,"data":"x"`, `"x"`, `,"datacontenttype":"application/json","data":"x"`},
		{"null", `,"data":null`, `null`, `,"datacontenttype":"application/json","data":null`},
		{"number of any size", `,"data":1e999`, `1e999`, `,"datacontenttype":"application/json","data":1e999`},
		{
			"base64", `,"datacontenttype":"image/png",` + base("\x89\xff\x00"), "\x89\xff\x00",
			`,"datacontenttype":"image/png",` + base("\x89\xff\x00"),
		},
		{"JSON in base64", `,` + base(`{"a":1}`), `{"a":1}`, `,"datacontenttype":"application/json","data":{"a":1}`},
		{"no JSON in base64", `,` + base(`{"a":`), `{"a":`, `,"datacontenttype":"application/json",` + base(`{"a":`)},
		{
			"a JSON of somebody's", `,"datacontenttype":"application/vnd.acme+json; v=1","data":{"a":1}`, `{"a":1}`,
			`,"datacontenttype":"application/vnd.acme+json; v=1","data":{"a":1}`,
		},
		{"other null", `,"data_base64":null`, "", `,"datacontenttype":"application/json"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd, err := read(c.in)
			require.NoError(t, err)
			require.Equal(t, c.data, string(cmd.Data.(engine.Raw)))
			line, err := cmd.CloudEvent(nil)
			require.NoError(t, err)
			before, after, _ := strings.Cut(string(line), `,"correlationid":"00000000-0000-7000-8000-000000000001"`)
			require.Equal(t, "{"+required+c.out+"}", before+after)
			back, err := engine.UnmarshalCloudCommand(line)
			require.NoError(t, err)
			require.Equal(t, c.data, string(back.Data.(engine.Raw)))
		})
	}
}

// An id that is no UUID is taken to the id that always stands for it at that source, and is kept.
func TestUnmarshalCloudCommandForeignID(t *testing.T) {
	line := func(id, source string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"type":"t","source":%q,"subject":"x"}`, id, source)
	}
	cmd, err := engine.UnmarshalCloudCommand(line("17", "shop"))
	require.NoError(t, err)
	require.Equal(t, engine.NameID("shop", "17"), cmd.ID)
	require.Equal(t, cmd.ID, cmd.CorrelationID)
	require.Equal(t, map[string]string{"originalid": "17"}, cmd.Metadata)

	again, err := engine.UnmarshalCloudCommand(line("17", "shop"))
	require.NoError(t, err)
	require.Equal(t, cmd, again, "a redelivery has the same id")
	other, err := engine.UnmarshalCloudCommand(line("17", "bank"))
	require.NoError(t, err)
	require.NotEqual(t, cmd.ID, other.ID, "two sources may both count from 1")

	written, err := cmd.CloudEvent(nil)
	require.NoError(t, err)
	back, err := engine.UnmarshalCloudCommand(written)
	require.NoError(t, err)
	require.Equal(t, cmd.ID, back.ID)
	require.Equal(t, "17", back.Metadata["originalid"])
}

func TestUnmarshalCloudCommandConversation(t *testing.T) {
	const zero = "00000000-0000-0000-0000-000000000000"
	for more, want := range map[string][2]engine.ID{ // correlation, causation
		``: {id(t, 1), {}},
		`,"correlationid":"00000000-0000-7000-8000-000000000002"`:      {id(t, 2), {}},
		`,"causationid":"00000000-0000-7000-8000-000000000003"`:        {id(t, 1), id(t, 3)},
		`,"correlationid":"` + zero + `","causationid":"` + zero + `"`: {id(t, 1), {}},
	} {
		cmd, err := read(more)
		require.NoError(t, err)
		require.Equal(t, want, [2]engine.ID{cmd.CorrelationID, cmd.CausationID}, more)
	}
}

// Attributes that the envelope does not know are kept as text, whatever CloudEvents type they have.
func TestUnmarshalCloudCommandMetadata(t *testing.T) {
	cmd, err := read(`,"tenant":"n\u00f6rd","count":-12,"urgent":true,"version":7,"empty":""`)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"tenant": "nörd", "count": "-12", "urgent": "true", "version": "7", "empty": "",
	}, cmd.Metadata)
	cmd, err = read(``)
	require.NoError(t, err)
	require.Nil(t, cmd.Metadata)
}

func TestUnmarshalCloudCommandTime(t *testing.T) {
	for in, want := range map[string]string{
		"2026-01-31T12:00:00Z":                "2026-01-31T12:00:00Z",
		"2026-01-31T12:00:00.123456789+01:00": "2026-01-31T11:00:00.123456789Z",
		"0000-01-01T00:00:00Z":                "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z":                "9999-12-31T23:59:59Z",
	} {
		cmd, err := read(`,"time":"` + in + `"`)
		require.NoError(t, err)
		require.Equal(t, want, cmd.Time.Format(time.RFC3339Nano))
		require.Equal(t, time.UTC, cmd.Time.Location())
	}
}

func FuzzUnmarshalCloudCommand(f *testing.F) {
	for _, seed := range []string{
		fullJSON, "{" + required + "}", "{" + required + `,"data":{"a":"\u0041","b":[1.50,1e999]},"x":-0}`,
		"{" + required + `,"data_base64":"AP8=","datacontenttype":"image/png"}`, "{" + required + `,"data_base64":""}`,
		"{" + required + `,"time":"0000-01-01T00:00:00+01:00"}`, "{" + required + `,"correlationid":"x"}`,
		`{"specversion":"1.0","id":"17","type":"t","source":"s","subject":"x","originalid":"16"}`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		first, err := engine.UnmarshalCloudCommand(line)
		if err != nil {
			if text := err.Error(); text == "" || len(text) > 8192 {
				t.Fatalf("an error of %d bytes", len(text))
			}
			return
		}
		for what, name := range map[string]string{"type": first.Type, "source": first.Source, "subject": first.Subject} {
			if err := engine.CheckName(what, name); err != nil {
				t.Fatal(err)
			}
		}
		written, err := first.CloudEvent(nil)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", line, err)
		}
		second, err := engine.UnmarshalCloudCommand(written)
		if err != nil {
			t.Fatalf("%q was written and cannot be read: %v", written, err)
		}
		require.Equal(t, plain(first), plain(second))
	})
}

// plain takes away the two differences that mean nothing: a content type that was left out is application/json, and JSON
// is written without spaces and without escapes that it does not need.
func plain(cmd *engine.Command) *engine.Command {
	if cmd.ContentType == "" {
		cmd.ContentType = "application/json"
	}
	data := cmd.Data.(engine.Raw)
	if compact, err := jsontext.AppendFormat(nil, data); err == nil {
		data = compact
	}
	cmd.Data = string(data) // no data and empty data mean the same too
	return cmd
}
