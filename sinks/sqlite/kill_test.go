package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

const killsOfAFile = 15 // so that reading the file after each kill stays short

// TestKill kills processes whose writers append, at random moments. Every version that was acknowledged must be there,
// none twice and none torn, and the lock file that is left behind must hold nobody up. ORCHESTRIX_KILLS and
// ORCHESTRIX_SEED are explained in power_test.go.
func TestKill(t *testing.T) {
	kills, seed := 20, uint64(time.Now().UnixNano())
	if n, err := strconv.Atoi(os.Getenv("ORCHESTRIX_KILLS")); err == nil {
		kills = n
	}
	if n, err := strconv.ParseUint(os.Getenv("ORCHESTRIX_SEED"), 10, 64); err == nil {
		seed = n
	}
	random := rand.New(rand.NewPCG(seed, 6))
	began := time.Now()
	var path string
	var total, events, acknowledged int
	for n := range kills {
		if n%killsOfAFile == 0 {
			path, total = filepath.Join(t.TempDir(), "events.db"), 0
		}
		pid, versions, letters := killOne(t, path, time.Duration(random.IntN(25_000))*time.Microsecond)

		store, err := sqlite.Open(t.Context(), path, sqlite.Options{Readers: 1})
		require.NoError(t, err, "seed %d, kill %d", seed, n)
		for writer, version := range versions {
			found := length(t, store, childAggregate(pid, writer))
			require.GreaterOrEqual(t, found, version, "G1: seed %d, kill %d: an acknowledged append is gone", seed, n)
			total += found
			events += found
			acknowledged += version
		}
		seen := map[engine.ID]bool{}
		for event, err := range store.Read(t.Context(), 0) {
			require.NoError(t, err)
			require.False(t, seen[event.ID], "G6: seed %d, kill %d: an event is stored twice", seed, n)
			seen[event.ID] = true
		}
		require.Len(t, seen, total, "G3: seed %d, kill %d: the log and the streams differ", seed, n)
		for letter := range letters {
			_, found, err := store.DeadLetter(t.Context(), childLetter(pid, letter+1).CommandID)
			require.NoError(t, err)
			require.True(t, found, "G1: seed %d, kill %d: acknowledged letter %d of %d is gone", seed, n, letter+1, letters)
		}
		kept, _ := store.CountDeadLetters()
		require.Len(t, dead(t, store), kept, "seed %d, kill %d", seed, n)
		require.NoError(t, store.Close())
	}
	t.Logf("seed %d: %d kills, %d events stored, %d of them acknowledged in time, %s a kill",
		seed, kills, events, acknowledged, (time.Since(began) / time.Duration(max(kills, 1))).Round(time.Millisecond))
}

// TestLogIsKept opens what a killed process left behind while another one reads it, and thereby keeps the log from being
// emptied. Everything must be there all the same.
func TestLogIsKept(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	for version := range engine.Version(30) {
		must(t, store, numbered("a", version))
	}
	left := filepath.Join(t.TempDir(), "left.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, "events.db") + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(left+suffix, data, 0o600))
	}
	other, err := sqlite3.Open(left)
	require.NoError(t, err)
	require.NoError(t, other.Exec("BEGIN; SELECT * FROM segments"))
	second := openFile(t, left, sqlite.Options{})
	must(t, second, numbered("a", 30))
	require.Equal(t, 31, length(t, second, "a"))
	require.NoError(t, other.Exec("COMMIT"))
	require.NoError(t, other.Close())
	require.EqualValues(t, 31, whole(t, left).Events)
}

// killOne starts a child on a file, kills it after a time, and gives its process id and the versions that its writers
// said they had, and how many letters it kept.
func killOne(t *testing.T, path string, after time.Duration) (pid int, versions [childWriters]int, letters int) {
	t.Helper()
	cmd, says := startChild(t, path)
	require.True(t, says.Scan())
	require.Equal(t, "open", says.Text())
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	for says.Scan() {
		var writer, version int
		// A line that the kill cut short is shorter than the whole one, so it never claims too much.
		if n, err := fmt.Sscan(says.Text(), &writer, &version); n == 2 {
			require.NoError(t, err)
			versions[writer] = max(versions[writer], version)
		}
		if n, err := fmt.Sscanf(says.Text(), "letter %d", &version); n == 1 {
			require.NoError(t, err)
			letters = max(letters, version)
		}
	}
	require.Error(t, cmd.Wait(), "killed")
	return cmd.Process.Pid, versions, letters
}
