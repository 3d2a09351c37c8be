package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// TestLogStaysShort appends many times what the log may hold, while a reader holds it up for a while: the log is moved into
// the database beside the writer, and used again from its beginning.
func TestLogStaysShort(t *testing.T) {
	const pages, batch = 100, 200
	path := filepath.Join(t.TempDir(), "events.db")
	for _, inTurn := range []bool{true, false} {
		store, err := Open(t.Context(), path, Options{tuning: tuning{checkpointPages: pages, checkpointInTurn: inTurn}})
		require.NoError(t, err)
		appends := func(times int) {
			for range times {
				appends := make([]engine.Append, batch)
				for i := range appends {
					appends[i] = oneEvent(fmt.Sprint("a", i%7))
				}
				for _, result := range store.Append(t.Context(), appends) {
					require.NoError(t, result.Err)
				}
			}
		}
		length := func() int64 {
			info, err := os.Stat(path + logSuffix)
			require.NoError(t, err)
			return info.Size() / walFrameBytes
		}
		appends(200)
		short := length()
		require.Less(t, short, int64(20*pages), "the log was never used again")

		reader, err := connectReader(t.Context(), path, &store.options)
		require.NoError(t, err)
		require.NoError(t, reader.conn.Exec("BEGIN; SELECT * FROM progress"))
		appends(100)
		held := length()
		require.Greater(t, held, int64(200), "the reader did not hold the log up")
		require.NoError(t, reader.close())
		appends(200)
		require.Less(t, length(), held+20*pages, "the log was not used again when the reader had ended")
		require.NoError(t, store.Close())
		report, err := Verify(t.Context(), path)
		require.NoError(t, err)
		require.NoError(t, report.Err())
	}
}

// TestFailedPassPoisons lets a sync of the database fail beside the writer: nothing is written any more, and all that was
// acknowledged is there when the file is opened again.
func TestFailedPassPoisons(t *testing.T) {
	store, files, path := openFaulty(t)
	store.writer.log.step, store.writer.log.next = 20, 20
	files.failDatabase.Store(true)
	stored := 0
	for poisoned := false; !poisoned; {
		result := store.Append(t.Context(), []engine.Append{oneEvent("a")})[0]
		if poisoned = result.Err != nil; poisoned {
			require.ErrorIs(t, result.Err, ErrPoisoned)
		} else {
			stored++
		}
		require.Less(t, stored, 100_000, "the failed sync was not noticed")
	}
	require.NoError(t, store.Close())
	files.failDatabase.Store(false)
	again, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	require.Equal(t, stored, count(t, again))
	require.NoError(t, again.Close())
}
