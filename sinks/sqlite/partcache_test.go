package sqlite

import (
	"fmt"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// TestPartCache fills the cache beyond its bounds: it gives what was put in or nothing, and what is used stays.
func TestPartCache(t *testing.T) {
	c := newPartCache()
	scratch := make([]byte, 40)
	for n := range 3 * cachedParts {
		text := fmt.Appendf(scratch[:0], "%d", n)
		c.add(engine.Position(n), &part{aggregate: text, time: text[:1], version: uint64(n)}, int64(n))
		p, found := c.get(7)
		require.Equal(t, n >= 7, found, "what is used again and again stays")
		if found {
			require.Equal(t, "7", string(p.aggregate), "a part in the cache is a copy")
			require.Equal(t, "7", string(p.time))
			require.Nil(t, p.more)
			require.EqualValues(t, 7, p.version)
			require.EqualValues(t, 7, p.base)
		}
	}
	_, found := c.get(8)
	require.False(t, found)
	require.LessOrEqual(t, len(c.young)+len(c.old), 2*cachedParts)

	large := part{data: make([]byte, cachedPartBytes/4)}
	for n := range 20 {
		c.add(engine.Position(n), &large, 0)
		require.LessOrEqual(t, c.bytes, cachedPartBytes+large.size())
	}
	require.LessOrEqual(t, len(c.young)+len(c.old), 10)
}

// TestLoadedAgain loads a stream from the file, and then again while a part of it is damaged there: it is as it was. What
// was not loaded before is reported.
func TestLoadedAgain(t *testing.T) {
	store, _, path := openFaulty(t)
	var want []engine.Event
	for range 20 {
		a := oneEvent("a")
		require.NoError(t, store.Append(t.Context(), []engine.Append{a, oneEvent("b")})[0].Err)
		want = append(want, a.Events[0])
	}
	load := func(aggregate string) (n int, err error) {
		for event, err := range store.Load(t.Context(), aggregate, 1) {
			if err != nil {
				return n, err
			}
			if aggregate == "a" {
				require.Equal(t, want[n].Message, event.Message)
			}
			require.EqualValues(t, n+1, event.Version)
			n++
		}
		return n, nil
	}
	n, err := load("a")
	require.NoError(t, err)
	require.Len(t, want, n)
	other, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, other.Exec("UPDATE segments SET data = zeroblob(length(data))"))
	require.NoError(t, other.Close())
	n, err = load("a")
	require.NoError(t, err)
	require.Len(t, want, n)
	_, err = load("b")
	require.ErrorIs(t, err, engine.ErrCorrupt)
}
