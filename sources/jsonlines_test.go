package sources_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sources"
)

// line is a command with a payload that tells its number.
func line(n int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","type":"t","source":"s","subject":"a-%d","data":{"n":%d}}`, n, n, n)
}

func TestJSONLinesReadsGoodLines(t *testing.T) {
	const bom = "\xef\xbb\xbf"
	for name, text := range map[string]string{
		"plain":         line(1) + "\n" + line(2) + "\n" + line(3) + "\n",
		"no last end":   line(1) + "\n" + line(2) + "\n" + line(3),
		"CR LF":         line(1) + "\r\n" + line(2) + "\r\n" + line(3) + "\r\n",
		"BOM":           bom + line(1) + "\n" + line(2) + "\n" + line(3),
		"spaces around": "\t" + line(1) + " \n " + line(2) + "\n" + line(3) + "\r",
	} {
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			got, err := fed(t, sources.JSONLines(r))
			require.NoError(t, err, name)
			require.Len(t, got, 3, name)
			for i, c := range got {
				require.NoError(t, c.Defect, name)
				require.Equal(t, fmt.Sprintf("input:%d", i+1), c.Origin)
				require.Equal(t, fmt.Sprintf("a-%d", i+1), c.Subject)
				require.Equal(t, engine.Raw(fmt.Sprintf(`{"n":%d}`, i+1)), c.Data)
			}
		}
	}
}

func TestJSONLinesMakesDefectsAndGoesOn(t *testing.T) {
	bad := []string{"{", "null", `{"specversion":"1.0"}`, " two words ", "\xff\x00", `{"a":1}{"a":2}`}
	text := "\n \t\r\n" + line(1) + "\n" + strings.Join(bad, "\n") + "\n\n" + line(2)
	got, err := fed(t, sources.JSONLinesFrom("orders.jsonl", strings.NewReader(text)))
	require.NoError(t, err)
	require.Len(t, got, len(bad)+2)
	for i, c := range got[1 : len(got)-1] {
		require.Error(t, c.Defect)
		require.Equal(t, engine.Raw(bad[i]), c.Data, "the line is kept whole")
		require.Equal(t, fmt.Sprintf("orders.jsonl:%d", i+4), c.Origin, "blank lines count")
	}
	require.NoError(t, got[len(got)-1].Defect)
	require.Equal(t, "orders.jsonl:11", got[len(got)-1].Origin)
}

func TestJSONLinesKeepsTheBeginningOfALineThatIsTooLong(t *testing.T) {
	const most, kept = 16 << 20, 64 << 10
	head := `{"specversion":"1.0","id":"1","type":"t","source":"s","subject":"a","data":1}`
	long := func(n int) string { return head + strings.Repeat(" ", n-len(head)) }
	text := long(most) + "\n" + long(most) + "\r\n" + long(most+1) + "\n" + long(3*most/2) + "\n" + line(1) + "\n" + long(most+1)
	got, err := fed(t, sources.JSONLines(strings.NewReader(text)))
	require.NoError(t, err)
	require.Len(t, got, 6)
	for i, tooLong := range []bool{false, false, true, true, false, true} {
		if !tooLong {
			require.NoError(t, got[i].Defect, "line %d", i+1)
			continue
		}
		require.ErrorIs(t, got[i].Defect, engine.ErrLimit, "line %d", i+1)
		require.EqualError(t, got[i].Defect, "engine: line has more than 16777216 bytes; the first 65536 are kept")
		require.Equal(t, long(kept), string(got[i].Data.(engine.Raw)), "line %d", i+1)
		require.LessOrEqual(t, cap(got[i].Data.(engine.Raw)), 2*kept)
	}
}

func TestJSONLinesIsNamedByItsReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	got, err := fed(t, sources.JSONLines(file))
	require.NoError(t, err)
	require.Equal(t, path+":1", got[0].Origin)
	require.NoError(t, file.Close(), "the source has not closed what it did not open")
}

func TestJSONLinesTellsReadErrors(t *testing.T) {
	broken := errors.New("broken")
	r := io.MultiReader(strings.NewReader(line(1)+"\n\n"+line(2)), iotest.ErrReader(broken))
	got, err := fed(t, sources.JSONLines(r))
	require.Len(t, got, 1, "a line that was cut off is not handed over")
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "sources: input:3: broken")

	_, err = fed(t, sources.JSONLines(nil))
	var p *engine.PanicError
	require.ErrorAs(t, err, &p)
}

func TestJSONLinesHandsOverEachLineAtOnce(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	s := sources.JSONLines(r)
	out := s.Out()
	for i := range 5 { // each answered before the next is typed
		_, err := w.WriteString(line(i) + "\n")
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("a-%d", i), (<-out).(*engine.Command).Subject)
	}
	require.NoError(t, w.Close())
	require.Empty(t, streamed(out))
	require.NoError(t, s.Err())
}

func TestJSONLinesInterruptsAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = w.WriteString(line(1) + "\n")
	require.NoError(t, err)
	require.NoError(t, sources.JSONLines(r).Feed(ctx, func([]*engine.Command) error { cancel(); return nil }))
	// The deadline is gone: the pipe can be read by somebody else.
	_, err = w.WriteString("more")
	require.NoError(t, err)
	more := make([]byte, 4)
	_, err = io.ReadFull(r, more)
	require.NoError(t, err)
	require.Equal(t, "more", string(more))
}

func TestJSONLinesLeavesAReaderThatCannotBeInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		require.NoError(t, sources.JSONLines(r).Feed(ctx, func([]*engine.Command) error { return nil }))
		require.Equal(t, time.Minute+100*time.Millisecond, time.Since(start))
		_, err := io.WriteString(w, line(1)+"\n") // the read returns: the goroutine left behind ends, or the bubble could not
		require.NoError(t, err)
	})
}

func FuzzJSONLines(f *testing.F) {
	f.Add([]byte(line(1) + "\n" + line(2)))
	f.Add([]byte("\xef\xbb\xbf" + line(1) + "\r\n\r\n{\n"))
	f.Add([]byte("\n\r\n \t\n\xff\x00\n\"\n"))
	f.Add([]byte(`{"specversion":"1.0","id":"1","type":"t","source":"s","subject":"a","data_base64":"!"}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		got, err := fed(t, sources.JSONLines(bytes.NewReader(input)))
		require.NoError(t, err)
		lines := bytes.Split(bytes.TrimPrefix(input, []byte("\xef\xbb\xbf")), []byte("\n"))
		for i, l := range lines {
			if len(bytes.Trim(l, " \t\r")) == 0 {
				continue
			}
			require.NotEmpty(t, got, "line %d is lost", i+1)
			require.Equal(t, fmt.Sprintf("input:%d", i+1), got[0].Origin)
			if got[0].Defect != nil {
				if i < len(lines)-1 {
					l = bytes.TrimSuffix(l, []byte("\r"))
				}
				require.Equal(t, engine.Raw(l), got[0].Data)
			} else {
				require.NoError(t, engine.CheckName("subject", got[0].Subject))
			}
			got = got[1:]
		}
		require.Empty(t, got)
	})
}
