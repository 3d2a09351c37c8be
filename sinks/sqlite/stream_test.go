package sqlite

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// TestLongStream loads a stream that is longer than several pages from versions at each side of its marks, while its newest
// part is in memory, and after the store was opened again. Some payloads are so large that a page holds a few events only.
func TestLongStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	store, err := Open(t.Context(), path, Options{tuning: tuning{tailEvents: 300}})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	const versions = 3*markEvery - 7
	var ids []engine.ID
	for version := range engine.Version(versions) {
		a := oneEvent("long")
		a.Expected = engine.Exactly(version)
		if version/markEvery == 1 {
			a.Events[0].Data = engine.Raw(bytes.Repeat([]byte{byte(version)}, pageBytes/10))
		}
		batch := []engine.Append{a, oneEvent("other"), oneEvent("other")}
		for _, result := range store.Append(t.Context(), batch) {
			require.NoError(t, result.Err)
		}
		ids = append(ids, a.Events[0].ID)
	}
	for range 2 {
		for _, from := range []engine.Version{0, 1, 2, 255, 256, 257, 300, 511, 512, 513, versions - 1, versions, versions + 1, 1 << 62} {
			version := max(from, 1)
			for event, err := range store.Load(t.Context(), "long", from) {
				require.NoError(t, err)
				require.Equal(t, version, event.Version, "from %d", from)
				require.Equal(t, ids[version-1], event.ID)
				if (version-1)/markEvery == 1 {
					require.Len(t, event.Data, pageBytes/10)
				}
				version++
			}
			require.Equal(t, max(from, versions+1), version, "the stream from %d was cut", from)
		}
		require.NoError(t, store.Close())
		store, err = Open(t.Context(), path, Options{})
		require.NoError(t, err)
	}
}

// TestReadEndsWithItsContext ends a context, or breaks off, while pages are read ahead: the iteration ends at once, with the
// context's error or none, and the connections serve the next reader.
func TestReadEndsWithItsContext(t *testing.T) {
	store, _, _ := openFaulty(t)
	batch := make([]engine.Append, 5*pageEvents)
	for i := range batch {
		batch[i] = oneEvent("a")
	}
	for _, result := range store.Append(t.Context(), batch) {
		require.NoError(t, result.Err)
	}
	for _, stopAt := range []int{1, pageEvents, pageEvents + 1, 3 * pageEvents} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n, failed := 0, error(nil)
		for _, err := range store.Read(ctx, 0) {
			if failed = err; err != nil {
				break
			}
			if n++; n == stopAt {
				cancel()
			}
		}
		require.ErrorIs(t, failed, context.Canceled)
		require.Equal(t, stopAt, n)
		for range store.Read(t.Context(), 0) {
			if n--; n == 0 {
				break
			}
		}
		require.Equal(t, len(batch), count(t, store))
		loaded := 0
		for _, err := range store.Load(t.Context(), "a", 1) {
			require.NoError(t, err)
			loaded++
		}
		require.Equal(t, len(batch), loaded)
	}
}
