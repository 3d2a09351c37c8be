package bench

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
)

// BenchmarkReplay reads an archive of 200,000 events and more. One operation is a whole repetition.
func BenchmarkReplay(b *testing.B) {
	a, err := newArchive(b.Context(), b.TempDir(), archiveSizes{spread: 200_000, aggregates: 1000, short: 1000, long: 20_000})
	require.NoError(b, err)
	benchmarkWays(b, []Way{
		{Name: replayDecoded, Run: a.replay(a.open)},
		{Name: "store, not decoded", Run: a.replay(a.openRaw)},
		{Name: replayPlain, Run: a.selects},
	}, "events/s", "heap-MiB")
	benchmarkWays(b, []Way{
		{Name: "load 1000", Run: a.loads(shortStream, 1000, 100)},
		{Name: "load 1000 beside 64 writers", Run: a.loadsBeside(shortStream, 1000, 100)},
		{Name: "load 20000", Run: a.loads(longStream, 20_000, 3)},
	}, "p50-ms", "p99-ms")
	benchmarkWays(b, []Way{
		{Name: writersAlone, Run: a.writes(500)},
		{Name: writersBeside, Run: a.follows},
	}, "events/s", "read/s")
}

var smallSizes = archiveSizes{spread: 2500, aggregates: 10, short: 7, long: 300}

// An archive holds what its sizes say: each stream whole, with the short and the long one spread over the log.
func TestArchive(t *testing.T) {
	defer goleak.VerifyNone(t)
	a, err := newArchive(t.Context(), t.TempDir(), smallSizes)
	require.NoError(t, err)
	require.NoError(t, a.with(t.Context(), a.open, func(store engine.Store) error {
		counts, last := map[string]int{}, map[string]int{}
		n := 0
		for e, err := range store.Read(t.Context(), 0) {
			require.NoError(t, err)
			counts[e.Subject]++
			require.Equal(t, engine.Version(counts[e.Subject]), e.Version)
			last[e.Subject] = n
			n++
		}
		require.Equal(t, smallSizes.all(), n)
		require.Len(t, counts, 12)
		require.Equal(t, 250, counts["aggregate-3"])
		require.Equal(t, 7, counts[shortStream])
		require.Equal(t, 300, counts[longStream])
		for name, at := range last {
			require.Greater(t, at, n*3/4, name)
		}
		return nil
	}))
	sample, err := a.selects(t.Context())
	require.NoError(t, err)
	require.Positive(t, sample.Value)
}

// All studies on a small archive: what the writers append is read, and every figure is one.
func TestReplayStudies(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	defer goleak.VerifyNone(t)
	studies, err := replayStudies(t.Context(), Effort{Runs: 1, Quick: true}, smallSizes)
	require.NoError(t, err)
	require.Len(t, studies, 3)
	for _, study := range studies {
		require.NotContains(t, study.Finding, "NaN")
		for _, row := range study.Rows {
			require.Len(t, row.Samples, 1, row.Name)
			require.Positive(t, row.Samples[0], row.Name)
			require.Len(t, row.Columns, len(study.Columns), row.Name)
		}
		for _, check := range study.Checks {
			require.False(t, check.Value != check.Value, "%s is no number", check.Name)
		}
	}
}

func TestReplayCancelled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	defer goleak.VerifyNone(t)
	a, err := newArchive(t.Context(), t.TempDir(), smallSizes)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = replayStudies(ctx, Effort{}, smallSizes)
	require.ErrorIs(t, err, context.Canceled)
	for name, run := range map[string]func(context.Context) (Sample, error){
		"replay": a.replay(a.openRaw), "plain": a.selects, "load": a.loads(longStream, 300, 3),
		"load beside": a.loadsBeside(shortStream, 7, 3), "writes": a.writes(1), "follows": a.follows,
	} {
		_, err := run(ctx)
		require.ErrorIs(t, err, context.Canceled, name)
	}
}

// A store that loses an event, and a stream that is not whole, are found out.
func TestReplayFindsLoss(t *testing.T) {
	a, err := newArchive(t.Context(), t.TempDir(), smallSizes)
	require.NoError(t, err)
	lossy := func(ctx context.Context) (engine.Store, error) {
		store, err := a.open(ctx)
		return forgetful{store, func(e []engine.Event) []engine.Event { return append(e[:100], e[101:]...) }}, err
	}
	_, err = a.replay(lossy)(t.Context())
	require.ErrorContains(t, err, "read 2806 events of 2807")
	swapped := func(ctx context.Context) (engine.Store, error) {
		store, err := a.open(ctx)
		return forgetful{store, func(e []engine.Event) []engine.Event {
			e[100], e[101] = e[101], e[100]
			return e
		}}, err
	}
	_, err = a.replay(swapped)(t.Context())
	require.ErrorContains(t, err, "follows position")
	_, err = a.loads(longStream, 301, 1)(t.Context())
	require.ErrorContains(t, err, "300 events instead of 301")
	a.events++ // one that was acknowledged and is not there
	_, err = a.replay(a.open)(t.Context())
	require.ErrorContains(t, err, "read 2807 events of 2808")
}

// The error of a writer is told; stopping twice counts nothing twice.
func TestCrewFails(t *testing.T) {
	defer goleak.VerifyNone(t)
	a, err := newArchive(t.Context(), t.TempDir(), smallSizes)
	require.NoError(t, err)
	store, err := a.open(t.Context())
	require.NoError(t, err)
	crew := a.start(t.Context(), store)
	require.NoError(t, store.Close())
	crew.writers.Wait() // nobody has stopped it: all of them failed
	for range 2 {
		_, err = crew.stop()
		require.ErrorIs(t, err, engine.ErrClosed)
	}
	_, err = a.replay(a.open)(t.Context())
	require.NoError(t, err, "what was acknowledged before the store was closed is all there")
}

// What stays in use is seen after the next collection.
func TestHeapWatch(t *testing.T) {
	runtime.GC()
	watch := newHeapWatch()
	watch.look()
	kept := make([]byte, 32<<20)
	runtime.GC()
	watch.look()
	runtime.KeepAlive(kept)
	require.Greater(t, watch.grown(), 16.0)
}
