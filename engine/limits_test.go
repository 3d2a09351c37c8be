package engine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

func TestCheckNameAccepts(t *testing.T) {
	for _, name := range []string{
		"a", "order.created", "with space", "a/b\\c:d*e>f%", "Ünïcödé", "日本", "🚚", "\u00a0", "\ufffd",
		strings.Repeat("a", 255), strings.Repeat("é", 127) + "a",
	} {
		require.NoError(t, engine.CheckName("type", name), "%q", name)
	}
}

func TestCheckNameRefuses(t *testing.T) {
	for _, c := range []struct{ name, why string }{
		{"", "is empty"},
		{strings.Repeat("a", 256), "has 256 bytes, 255 are allowed"},
		{strings.Repeat("é", 128), "has 256 bytes, 255 are allowed"},
		{strings.Repeat("a", 1<<20), "has 1048576 bytes, 255 are allowed"},
		{"a\x00b", `"a\x00b" holds a control character`},
		{"a\n", `"a\n" holds a control character`},
		{"\x1f", `"\x1f" holds a control character`},
		{"\x7f", `"\x7f" holds a control character`},
		{"a\u0080", `"a\u0080" holds a control character`},
		{"a\u009f", `"a\u009f" holds a control character`},
		{"a\xff", `"a\xff" is not valid UTF-8`},
		{"\xc3", `"\xc3" is not valid UTF-8`},
		{"\xed\xa0\x80", `"\xed\xa0\x80" is not valid UTF-8`}, // half a surrogate pair
		{"\xc0\x80", `"\xc0\x80" is not valid UTF-8`},         // a zero byte in disguise
	} {
		err := engine.CheckName("aggregate id", c.name)
		require.ErrorIs(t, err, engine.ErrLimit, "%q", c.name)
		require.Equal(t, &engine.LimitError{What: "aggregate id", Why: c.why}, err)
		require.Equal(t, "engine: aggregate id "+c.why, err.Error())
	}
}
