package sqlite

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// anyID makes an id that does not grow with time, out of a small space: neighbours are near one another.
func anyID(random *rand.Rand) (id engine.ID) {
	id[0], id[1], id[15] = byte(random.IntN(4)), byte(random.IntN(256)), byte(random.IntN(256))
	id[5] = 1
	return id
}

// TestCommandIndex merges entries, in the sequence of time and in none, and compares what is found with a map.
func TestCommandIndex(t *testing.T) {
	store, _, _ := openFaulty(t)
	index := &store.writer.filler.commands // the writer's goroutine is idle
	random := rand.New(rand.NewPCG(seedOf(), 8))
	model := map[engine.ID]engine.Position{}
	for round := range 40 {
		var added []entry
		for range random.IntN(300) {
			id := anyID(random)
			if round%2 == 0 {
				id = engine.NewID()
			}
			if model[id] == 0 {
				model[id] = engine.Position(len(model) + 1)
				added = append(added, newEntry(id, model[id]))
			}
		}
		slices.SortFunc(added, compareEntries)
		require.NoError(t, index.merge(added))
	}
	for id, want := range model {
		got, err := index.position(id)
		require.NoError(t, err)
		require.Equal(t, want, got)
		id[14]++ // which no id of the small space has
		got, err = index.position(id)
		require.NoError(t, err)
		require.Equal(t, model[id], got)
	}
	rows, err := store.writer.number("SELECT count(*) FROM commands")
	require.NoError(t, err)
	require.Less(t, rows, int64(len(model)/blockEntries*3), "blocks are at least a third full")
	most, err := store.writer.number("SELECT max(length(entries)) FROM commands")
	require.NoError(t, err)
	require.LessOrEqual(t, most, int64(blockEntries*entryBytes))
}

// TestEveryCommandIsFound repeats commands whose ids are in memory, in the table commands, or in the table outcomes, before
// and after the store is opened again.
func TestEveryCommandIsFound(t *testing.T) {
	random := rand.New(rand.NewPCG(seedOf(), 9))
	path := filepath.Join(t.TempDir(), "events.db")
	options := Options{tuning: tuning{tailEvents: 50}}
	store, err := Open(t.Context(), path, options)
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	var sent []engine.Append
	var first []engine.Result
	used := map[engine.ID]bool{{}: true}
	for len(sent) < 600 {
		a := oneEvent(fmt.Sprint("a", random.IntN(9)))
		if a.Digest = random.Uint64(); random.IntN(2) == 0 {
			a.CommandID = anyID(random)
		}
		if used[a.CommandID] {
			continue
		}
		used[a.CommandID] = true
		switch random.IntN(4) {
		case 0:
			a.Events, a.Rejection = nil, "no"
		case 1:
			a.Events = append(a.Events, oneEvent(a.Aggregate).Events...)
			a.Events[1].CausationID = a.CommandID
		}
		result := store.Append(t.Context(), []engine.Append{a})[0]
		require.NoError(t, result.Err)
		require.False(t, result.Duplicate)
		sent, first = append(sent, a), append(first, result)
	}
	for range 2 {
		for i, a := range sent {
			again := store.Append(t.Context(), []engine.Append{a})[0]
			want := first[i]
			want.Duplicate = true
			require.Equal(t, want, again, "command %d", i)
			a.Digest++
			require.ErrorIs(t, store.Append(t.Context(), []engine.Append{a})[0].Err, engine.ErrReused)
		}
		require.NoError(t, store.Close())
		report, err := Verify(t.Context(), path)
		require.NoError(t, err)
		require.NoError(t, report.Err())
		require.EqualValues(t, len(sent), report.Commands)
		store, err = Open(t.Context(), path, options)
		require.NoError(t, err)
	}
}

// TestKindsAreBounded writes events of ever new sources, more than any cache holds, and reads them again.
func TestKindsAreBounded(t *testing.T) {
	store, _, _ := openFaulty(t)
	var batch []engine.Append
	for i := range 3 * cachedKinds {
		a := oneEvent("a")
		a.Events[0].Source = fmt.Sprint("source", i%(2*cachedKinds))
		batch = append(batch, a)
	}
	for _, result := range store.Append(t.Context(), batch) {
		require.NoError(t, result.Err)
	}
	i := 0
	for event, err := range store.Read(t.Context(), 0) {
		require.NoError(t, err)
		require.Equal(t, batch[i].Events[0].Source, event.Source)
		i++
	}
	require.Len(t, batch, i)
	rows, err := store.writer.number("SELECT count(*) FROM kinds")
	require.NoError(t, err)
	require.EqualValues(t, 2*cachedKinds, rows, "each kind is stored once")
	require.LessOrEqual(t, len(store.writer.kinds.known), cachedKinds)
}
