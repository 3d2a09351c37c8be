package engine_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// A bad line is told apart from a good one with a reason that its sender can act on.
func TestUnmarshalCloudCommandMalformed(t *testing.T) {
	const no = "not a CloudEvents JSON object: "
	for _, c := range []struct{ name, line, want string }{
		{"nothing", ``, no + "jsontext: unexpected EOF"},
		{"no JSON", `hello`, no + "jsontext: invalid character 'h' at start of value"},
		{"cut off", `{` + required, no + "jsontext: unexpected EOF after offset 123"},
		{"array", `[]`, no + "json: "},
		{"two objects", `{` + required + `}{}`, no + "jsontext: invalid character '{' after top-level value after offset 124"},
		{"type is a number", `{"type":5}`, `within "/type"`},
		{"name twice", `{` + required + `,"id":"x"}`, no + `jsontext: duplicate object member name "id"`},
		{"name twice in data", `{` + required + `,"data":{"a":1,"a":2}}`, `duplicate object member name "a" within "/data"`},
		{"extension twice", `{` + required + `,"x":1,"x":2}`, `duplicate object member name "x"`},
		{"invalid UTF-8", "{" + required + `,"x":"` + "\xff" + `"}`, no + "jsontext: invalid UTF-8"},
		{"half a surrogate pair", `{` + required + `,"data":"\ud800"}`, no + "jsontext: invalid surrogate pair"},
		{"base64", `{` + required + `,"data_base64":"!!"}`, `within "/data_base64": illegal base64 data at input byte 0`},
		{"data twice", `{` + required + `,"data":1,"data_base64":"AA=="}`, "has both data and data_base64: give one"},
		{"data twice, both void", `{` + required + `,"data":null,"data_base64":""}`, "has both data and data_base64: give one"},
		{"no RFC 3339", `{` + required + `,"time":"31.1.2026"}`, `time "31.1.2026" is not RFC 3339, as in 2026-01-31T12:00:00Z`},
		{"no such day", `{` + required + `,"time":"2026-02-30T12:00:00Z"}`, `time "2026-02-30T12:00:00Z" is not RFC 3339`},
		{
			"after year 9999", `{` + required + `,"time":"9999-12-31T23:59:59-01:00"}`,
			`time "9999-12-31T23:59:59-01:00" is not in the years 0 to 9999 UTC`,
		},
		{
			"before year 0", `{` + required + `,"time":"0000-01-01T00:00:00+01:00"}`,
			`time "0000-01-01T00:00:00+01:00" is not in the years 0 to 9999 UTC`,
		},
		{"correlation", `{` + required + `,"correlationid":"x"}`, `correlationid: engine: id "x" is not a UUID of 36 characters`},
		{"causation", `{` + required + `,"causationid":"x"}`, `causationid: engine: id "x" is not a UUID of 36 characters`},
		{"long content type", `{` + required + `,"datacontenttype":"` + long + `"}`, "engine: datacontenttype has 256 bytes, 255 are allowed"},
		{"long schema", `{` + required + `,"dataschema":"` + long + `"}`, "engine: dataschema has 256 bytes, 255 are allowed"},
		{"odd trace", `{` + required + `,"traceparent":"\n"}`, `engine: traceparent "\n" holds a control character`},
		{"upper case name", `{` + required + `,"Tenant":"x"}`, `attribute "Tenant": CloudEvents names have lower case letters and digits only`},
		{"another case of ours", `{` + required + `,"Data":{}}`, `attribute "Data": CloudEvents names have`},
		{"no name", `{` + required + `,"":1}`, `attribute "": CloudEvents names have`},
		{"long name", `{` + required + `,"` + long + `":1}`, `attribute "` + long[:80] + `…": CloudEvents names have`},
		{"null attribute", `{` + required + `,"x":null}`, `attribute "x": CloudEvents attributes are strings, integers or booleans`},
		{"object attribute", `{` + required + `,"x":{}}`, `attribute "x": CloudEvents attributes are strings, integers or booleans`},
		{"array attribute", `{` + required + `,"x":[1]}`, `attribute "x": CloudEvents attributes are strings, integers or booleans`},
		{"fraction", `{` + required + `,"x":1.5}`, `attribute "x" is 1.5: CloudEvents numbers are integers`},
		{"exponent", `{` + required + `,"x":1e999}`, `attribute "x" is 1e999: CloudEvents numbers are integers`},
		{"long attribute", `{` + required + `,"x":"` + long + `"}`, "engine: attribute x has 256 bytes, 255 are allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd, err := engine.UnmarshalCloudCommand([]byte(c.line))
			require.ErrorContains(t, err, c.want)
			require.Nil(t, cmd)
		})
	}
}

var long = strings.Repeat("x", 256)

// All required attributes that are missing or out of bounds are told at once.
func TestUnmarshalCloudCommandRequired(t *testing.T) {
	_, err := engine.UnmarshalCloudCommand([]byte(`{}`))
	require.EqualError(t, err, `specversion is "": this program reads "1.0"; engine: id is empty; engine: type is empty; `+
		`engine: source is empty; engine: subject (the aggregate id) is empty`)
	require.ErrorIs(t, err, engine.ErrLimit)

	_, null := engine.UnmarshalCloudCommand([]byte(`null`))
	require.Equal(t, err, null)

	_, err = engine.UnmarshalCloudCommand([]byte(
		`{"specversion":"0.3","id":"` + long + `","type":"a\u0000","source":"s","subject":null}`))
	require.EqualError(t, err, `specversion is "0.3": this program reads "1.0"; engine: id has 256 bytes, 255 are allowed; `+
		`engine: type "a\x00" holds a control character; engine: subject (the aggregate id) is empty`)
}

// The zero id means "no idempotency key": all commands that came with it would be taken for none or for one another.
func TestUnmarshalCloudCommandZeroID(t *testing.T) {
	_, err := engine.UnmarshalCloudCommand([]byte(
		`{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000000","type":"t","source":"s","subject":"x"}`))
	require.EqualError(t, err, "id is the zero UUID, which means none: give every command its own")
}

func TestUnmarshalCloudCommandDataLimit(t *testing.T) {
	text := strings.Repeat("x", engine.MaxAppendBytes-2)
	cmd, err := read(`,"data":"` + text + `"`)
	require.NoError(t, err)
	require.Len(t, cmd.Data.(engine.Raw), engine.MaxAppendBytes)
	_, err = read(`,"data":"x` + text + `"`)
	require.EqualError(t, err, "engine: data has 1048577 bytes, 1048576 are allowed")
	require.ErrorIs(t, err, engine.ErrLimit)
	_, err = read(`,"data_base64":"` + base64.StdEncoding.EncodeToString(make([]byte, engine.MaxAppendBytes+1)) + `"`)
	require.EqualError(t, err, "engine: data has 1048577 bytes, 1048576 are allowed")
}

func TestUnmarshalCloudCommandAttributeLimit(t *testing.T) {
	var more strings.Builder
	for i := range 64 {
		fmt.Fprintf(&more, `,"x%d":"y"`, i)
	}
	cmd, err := read(more.String())
	require.NoError(t, err)
	require.Len(t, cmd.Metadata, 64)
	_, err = read(more.String() + `,"one":"more"`)
	require.EqualError(t, err, "engine: metadata has 65 attributes, 64 are allowed")
	require.ErrorIs(t, err, engine.ErrLimit)
}

// With several bad attributes the same one is named each time, so that a run can be repeated.
func TestUnmarshalCloudCommandErrorsRepeat(t *testing.T) {
	for range 50 {
		_, err := read(`,"zz":null,"mm":1.5,"aa":{},"qq":[]`)
		require.EqualError(t, err, `attribute "aa": CloudEvents attributes are strings, integers or booleans`)
	}
}

// Hostile input costs an error of bounded length: never a panic, never a stack overflow, never a huge log line.
func TestUnmarshalCloudCommandHostile(t *testing.T) {
	huge := strings.Repeat("k", 1<<20)
	for name, line := range map[string]string{
		"deep array":         `{` + required + `,"data":` + strings.Repeat("[", 1<<20),
		"deep object":        `{` + required + `,"data":` + strings.Repeat(`{"a":`, 1<<18),
		"deep attribute":     `{` + required + `,"x":` + strings.Repeat("[", 1<<20),
		"huge id":            `{"id":"` + huge + `"}`,
		"huge specversion":   `{` + required[len(`"specversion":"1.0",`):] + `,"specversion":"` + huge + `"}`,
		"huge time":          `{` + required + `,"time":"` + huge + `"}`,
		"huge correlation":   `{` + required + `,"correlationid":"` + huge + `"}`,
		"huge name":          `{` + required + `,"` + huge + `":1}`,
		"huge name twice":    `{` + required + `,"` + huge + `":1,"` + huge + `":1}`,
		"huge name in data":  `{` + required + `,"data":{"` + huge + `":1,"` + huge + `":1}}`,
		"huge number":        `{` + required + `,"x":1` + strings.Repeat("0", 1<<20) + `}`,
		"huge base64":        `{` + required + `,"data_base64":"` + huge + `!"}`,
		"255 bad bytes each": strings.ReplaceAll(`{"id":"?","type":"?","source":"?","subject":"?"}`, "?", strings.Repeat(`\u0001`, 255)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := engine.UnmarshalCloudCommand([]byte(line))
			require.Error(t, err)
			require.Less(t, len(err.Error()), 5000)
		})
	}
}
