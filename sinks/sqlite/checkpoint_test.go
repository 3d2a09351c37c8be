package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

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

// TestWriterDoesNotWaitForTheDatabase holds the first sync of the database up until more was appended: what was moved into it
// beside the writer is synced there too.
func TestWriterDoesNotWaitForTheDatabase(t *testing.T) {
	const pages, batch, more = 1000, 100, 20
	store, files, _ := openFaulty(t)
	store.writer.log.step, store.writer.log.next = pages, pages
	held, release := make(chan struct{}), make(chan struct{}) // closed once each; nothing is sent, so they have no capacity
	defer close(release)
	hold := sync.OnceFunc(func() {
		close(held)
		select {
		case <-release:
		case <-time.After(20 * time.Second): // instead of a test that hangs
			t.Error("the writer waits for a sync of the database")
		}
	})
	files.holdDatabase.Store(&hold)
	after := 0 // batches that were appended since the sync was held up
	for batches := 0; after < more && !t.Failed(); batches++ {
		require.Less(t, batches, 10_000, "the database was never synced")
		appends := make([]engine.Append, batch)
		for i := range appends {
			appends[i] = oneEvent("a")
		}
		for _, result := range store.Append(t.Context(), appends) {
			require.NoError(t, result.Err)
		}
		select {
		case <-held:
			after++
		default:
		}
	}
}

// TestReadersBesidePasses reads the log and streams again and again, from this store and from one that was opened read only,
// while the log is moved into the database beside the writer all the time: a reader must never see a page as it was before.
func TestReadersBesidePasses(t *testing.T) {
	const batches, batch, streams = 300, 40, 7
	path := filepath.Join(t.TempDir(), "events.db")
	store, err := Open(t.Context(), path, Options{tuning: tuning{checkpointPages: 20, tailEvents: 500}})
	require.NoError(t, err)
	beside, err := Open(t.Context(), path, Options{ReadOnly: true})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	faults := make([]error, 4) // of each reader
	for i := range faults {
		from := []*Store{store, beside}[i%2]
		readers.Go(func() {
			for ctx.Err() == nil && faults[i] == nil {
				if i < 2 {
					faults[i] = inSequence(from.Read(context.Background(), 0), func(e *engine.Event) uint64 { return uint64(e.Position) })
				} else {
					faults[i] = inSequence(from.Load(context.Background(), "a3", 1), func(e *engine.Event) uint64 { return uint64(e.Version) })
				}
			}
		})
	}
	for range batches {
		appends := make([]engine.Append, batch)
		for i := range appends {
			appends[i] = oneEvent(fmt.Sprint("a", i%streams))
		}
		for _, result := range store.Append(t.Context(), appends) {
			require.NoError(t, result.Err)
		}
	}
	stop()
	readers.Wait()
	require.NoError(t, errors.Join(faults...))
	require.Equal(t, batches*batch, count(t, store))
	require.NoError(t, errors.Join(beside.Close(), store.Close()))
}

// inSequence makes sure that events are numbered from 1 without a gap.
func inSequence(events iter.Seq2[engine.Event, error], number func(*engine.Event) uint64) error {
	n := uint64(0)
	for event, err := range events {
		if err != nil {
			return err
		}
		if n++; number(&event) != n {
			return fmt.Errorf("number %d stands where %d should", number(&event), n)
		}
	}
	return nil
}
