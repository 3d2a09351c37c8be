package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
	"github.com/orchestrix-go/orchestrix/sinks/storetest"
)

var noCancel = context.Background()

// open opens the store in a directory; the test closes it.
func open(t *testing.T, dir string) engine.Store {
	t.Helper()
	return openFile(t, filepath.Join(dir, "events.db"), sqlite.Options{})
}

// openFile opens a file and closes it when the test ends.
func openFile(t *testing.T, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// numbered makes an append of one event at a version.
func numbered(aggregate string, at engine.Version) engine.Append {
	return engine.Append{
		Aggregate: aggregate, Expected: engine.Exactly(at), CommandID: engine.NewID(),
		Events: []engine.Event{{Message: engine.Message{
			ID: engine.NewID(), Type: "order.created", Source: "test", Subject: aggregate, Time: time.Now().UTC(),
			Data: engine.Raw(fmt.Sprintf(`{"version":%d}`, at+1)),
		}}},
	}
}

// must appends and demands that it is stored.
func must(t *testing.T, store engine.Store, batch ...engine.Append) {
	t.Helper()
	for i, result := range store.Append(t.Context(), batch) {
		require.NoError(t, result.Err, "append %d", i)
	}
}

// length loads a stream and gives its length; the versions must have no gap.
func length(t *testing.T, store engine.Store, aggregate string) int {
	t.Helper()
	n := 0
	for event, err := range store.Load(t.Context(), aggregate, 1) {
		require.NoError(t, err)
		n++
		require.Equal(t, engine.Version(n), event.Version)
	}
	return n
}

// TestStore proves every rule of engine.Store.
func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) engine.Store { return open(t, t.TempDir()) })
}

// TestStoreReopened proves what a store knows when it is opened again.
func TestStoreReopened(t *testing.T) { storetest.RunDurable(t, open) }

type created struct {
	Number int `json:"number"`
}

// reversed is a codec that is easy to recognize.
type reversed struct{}

func (reversed) Encode(m *engine.Message) (engine.Raw, error) {
	if raw, ok := m.Data.(engine.Raw); ok {
		return raw, nil
	}
	value, ok := m.Data.(created)
	if !ok {
		return nil, &engine.PayloadError{Want: "created", Got: m.Data}
	}
	return engine.Raw(fmt.Sprintf(`{"minus":%d}`, -value.Number)), nil
}

func (reversed) Decode(m *engine.Message) (any, error) {
	var n int
	_, err := fmt.Sscanf(string(m.Data.(engine.Raw)), `{"minus":%d}`, &n)
	return created{Number: -n}, err
}

// TestCodec shows that payloads pass through the codec both ways, and that the caller's batch is left as it was.
func TestCodec(t *testing.T) {
	store := openFile(t, filepath.Join(t.TempDir(), "codec.db"), sqlite.Options{Codec: reversed{}})
	a := numbered("a", 0)
	a.Events[0].Data = created{Number: 17}
	must(t, store, a)
	require.Equal(t, created{Number: 17}, a.Events[0].Data, "Append changed the caller's event")

	b := numbered("b", 0)
	b.Events[0].Data = created{Number: 4}
	require.NoError(t, store.EncodePayloads(b.Events))
	require.Equal(t, engine.Raw(`{"minus":-4}`), b.Events[0].Data)
	must(t, store, b)

	var got []any
	for event, err := range store.Read(t.Context(), 0) {
		require.NoError(t, err)
		got = append(got, event.Data)
	}
	require.Equal(t, []any{created{Number: 17}, created{Number: 4}}, got)

	bad := numbered("c", 0)
	bad.Events[0].Data = "no such payload"
	results := store.Append(t.Context(), []engine.Append{bad, numbered("d", 0)})
	var payload *engine.PayloadError
	require.ErrorAs(t, results[0].Err, &payload)
	require.NoError(t, results[1].Err)
	require.Zero(t, length(t, store, "c"), "an event that cannot be encoded was stored")
}

// TestWithoutCodec shows that a store without a codec refuses what it cannot store.
func TestWithoutCodec(t *testing.T) {
	store := open(t, t.TempDir())
	a := numbered("a", 0)
	a.Events[0].Data = created{Number: 1}
	results := store.Append(t.Context(), []engine.Append{a})
	require.ErrorContains(t, results[0].Err, "Options.Codec")
	a.Events[0].Data = nil
	must(t, store, a)
	for event, err := range store.Load(t.Context(), "a", 1) {
		require.NoError(t, err)
		require.Nil(t, event.Data)
	}
}

// TestIndexIsFilledLate passes the events at which the index is filled several times over, and loads at each side of
// the border, also after reopening.
func TestIndexIsFilledLate(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	const aggregates, each, rounds = 50, 60, 6
	for round := range rounds {
		var batch []engine.Append
		for i := range aggregates * each {
			at := engine.Version(round*each + i/aggregates)
			batch = append(batch, numbered(fmt.Sprint("a", i%aggregates), at))
		}
		must(t, store, batch...)
		for i := range aggregates / 10 {
			require.Equal(t, (round+1)*each, length(t, store, fmt.Sprint("a", i)))
		}
	}
	for range 2 {
		require.NoError(t, store.Close())
		store = open(t, dir)
		for i := range aggregates {
			require.Equal(t, rounds*each, length(t, store, fmt.Sprint("a", i)))
		}
		results := store.Append(t.Context(), []engine.Append{numbered("a0", 1)})
		require.ErrorIs(t, results[0].Err, engine.ErrConflict)
	}
}

// TestReadOnly follows a writer from a second store on the same file.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	writer := open(t, dir)
	must(t, writer, numbered("a", 0), numbered("a", 1))
	reader := openFile(t, filepath.Join(dir, "events.db"), sqlite.Options{ReadOnly: true})
	require.Equal(t, 2, length(t, reader, "a"))
	results := reader.Append(t.Context(), []engine.Append{numbered("a", 2)})
	require.ErrorIs(t, results[0].Err, sqlite.ErrReadOnly)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan struct{}) // closed by the goroutine that writes, received at the end: nothing is sent
	go func() {
		defer close(done)
		for version := engine.Version(2); version < 20_000; { // further than the index is kept back
			var batch []engine.Append
			for range 500 {
				batch = append(batch, numbered("a", version))
				version++
			}
			for _, result := range writer.Append(ctx, batch) {
				if result.Err != nil {
					t.Error(result.Err)
					return
				}
			}
		}
	}()
	n := 0
	for event, err := range engine.Follow(ctx, reader, 0) {
		require.NoError(t, err)
		n++
		require.Equal(t, engine.Version(n), event.Version)
		if n%2000 == 0 {
			require.GreaterOrEqual(t, length(t, reader, "a"), n, "Load gave less than Read before it")
		}
		if n == 20_000 {
			break
		}
	}
	<-done
	require.Equal(t, 20_002, length(t, reader, "a"))
}
