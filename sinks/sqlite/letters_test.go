package sqlite_test

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

// deadLetter makes an append that brings the dead letter of a new command.
func deadLetter(aggregate string, state engine.LetterState) engine.Append {
	cmd := engine.NewCommand(aggregate, engine.Raw(`{"n":1}`))
	cmd.Type, cmd.Origin = "order.create", "orders.jsonl:17"
	letter := engine.NewDeadLetter(cmd, errors.New("no 'stock'"))
	letter.State, letter.Attempts, letter.First, letter.Last = state, 5, time.Now(), time.Now()
	return engine.Append{Aggregate: aggregate, CommandID: cmd.ID, Expected: engine.Never, Letter: letter}
}

func dead(t *testing.T, store engine.DeadLetterStore) (letters []engine.DeadLetter) {
	t.Helper()
	for letter, err := range store.DeadLetters(t.Context(), 0) {
		require.NoError(t, err)
		letters = append(letters, letter)
	}
	return letters
}

// A process that only reads sees the letters that another one keeps, as they are now.
func TestReadOnlyLetters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	writer := openFile(t, path, sqlite.Options{})
	reader := openFile(t, path, sqlite.Options{ReadOnly: true})
	require.Empty(t, dead(t, reader))
	first, second := deadLetter("a", engine.Parked), deadLetter("b", engine.Skipped)
	must(t, writer, first, numbered("c", 0), second)
	for range 2 {
		require.Equal(t, dead(t, writer), dead(t, reader))
		letters, parked := reader.CountDeadLetters()
		require.Equal(t, []int{2, 1}, []int{letters, parked})
		head, is := reader.ParkedBehind("a")
		require.True(t, is)
		require.Equal(t, first.CommandID, head)
		_, is = reader.ParkedBehind("b")
		require.False(t, is)
		_, found, err := reader.DeadLetter(t.Context(), second.CommandID)
		require.NoError(t, err)
		require.True(t, found)
		_, err = reader.DropDeadLetters(t.Context(), first.CommandID)
		require.ErrorIs(t, err, sqlite.ErrReadOnly)
		require.ErrorIs(t, reader.EditDeadLetter(t.Context(), first.CommandID, first.Letter.Command), sqlite.ErrReadOnly)
	}
	n, err := writer.DropDeadLetters(t.Context(), first.CommandID, second.CommandID)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Empty(t, dead(t, reader))
	_, is := reader.ParkedBehind("a")
	require.False(t, is)
}

// The payloads of letters pass through the codec in the caller's goroutine; one that cannot be encoded is kept as what can
// be told of it.
func TestLettersAreEncoded(t *testing.T) {
	store := openFile(t, filepath.Join(t.TempDir(), "codec.db"), sqlite.Options{Codec: reversed{}})
	typed, bad := deadLetter("a", engine.Skipped), deadLetter("b", engine.Skipped)
	typed.Letter.Command.Data, bad.Letter.Command.Data = created{Number: 17}, make(chan int)
	must(t, store, typed, bad)
	require.Equal(t, created{Number: 17}, typed.Letter.Command.Data, "Append changed the caller's letter")
	letters := dead(t, store)
	require.Equal(t, engine.Raw(`{"minus":-17}`), letters[0].Command.Data)
	require.ErrorContains(t, letters[1].Command.Defect, "created")
	require.Contains(t, string(letters[1].Command.Data.(engine.Raw)), "Type:order.create")
	require.Equal(t, bad.CommandID, letters[1].ID)
	edited := *letters[0].Command
	edited.Data = created{Number: 4}
	require.NoError(t, store.EditDeadLetter(t.Context(), letters[0].ID, &edited))
	require.Equal(t, engine.Raw(`{"minus":-4}`), dead(t, store)[0].Command.Data)
	edited.Data = "no such payload"
	require.Error(t, store.EditDeadLetter(t.Context(), letters[0].ID, &edited))
}

// What SQLite refuses takes back the letters of its transaction too, and what memory knows of them.
func TestLettersAreTakenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	store := openFile(t, path, sqlite.Options{})
	kept := deadLetter("a", engine.Parked)
	must(t, store, kept)
	change(t, path, "CREATE TRIGGER t BEFORE INSERT ON letters WHEN new.reason = 'refused' BEGIN SELECT RAISE(ABORT, 'refused by the test'); END")
	ends, before, bad, after := numbered("a", 0), deadLetter("b", engine.Parked), deadLetter("c", engine.Parked), deadLetter("d", engine.Parked)
	ends.CommandID = kept.CommandID
	bad.Letter.Err = errors.New("refused")
	for i, result := range store.Append(t.Context(), []engine.Append{ends, before, bad, after}) {
		if i == 3 {
			require.NoError(t, result.Err)
			require.EqualValues(t, 2, result.Letter, "a number was taken by a letter that was not kept")
			continue
		}
		require.ErrorContains(t, result.Err, "nothing stored")
	}
	letters := dead(t, store)
	require.Len(t, letters, 2)
	require.Equal(t, []engine.ID{kept.CommandID, after.CommandID}, []engine.ID{letters[0].ID, letters[1].ID})
	for aggregate, parked := range map[string]bool{"a": true, "b": false, "c": false, "d": true} {
		_, is := store.ParkedBehind(aggregate)
		require.Equal(t, parked, is, aggregate)
	}
	must(t, store, before)
	require.Len(t, dead(t, store), 3)
}

// TestVerifyNamesLetters changes letters behind the store's back.
func TestVerifyNamesLetters(t *testing.T) {
	fill := func(store *sqlite.Store) {
		must(t, store, deadLetter("a", engine.Parked), deadLetter("b", engine.Skipped))
	}
	for _, column := range strings.Split("id state aggregate attempts first_time last_time origin handler reason causes stack command", " ") {
		value := "'7'"
		switch column {
		case "id":
			value = "x'01'"
		case "state", "attempts", "first_time", "last_time":
			value = "2"
		}
		requireFault(t, fill, fmt.Sprintf("UPDATE letters SET %s = %s WHERE number = 2", column, value), "table letters, number 2: ")
	}
	requireFault(t, fill, "UPDATE letters SET defect = 'x' WHERE number = 1", "table letters, number 1: ")
	requireFault(t, fill, "UPDATE letters SET number = 7 WHERE number = 1", "table letters, number 7: ")
}

// Damage to what memory needs is found by opening the file, damage to the rest by reading the letter.
func TestDamagedLettersAreReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	store := openFile(t, path, sqlite.Options{})
	letter := deadLetter("a", engine.Parked)
	must(t, store, letter)
	require.NoError(t, store.Close())
	change(t, path, "UPDATE letters SET reason = 'x'")
	store = openFile(t, path, sqlite.Options{})
	_, _, err := store.DeadLetter(t.Context(), letter.CommandID)
	require.ErrorIs(t, err, engine.ErrCorrupt)
	for _, err := range store.DeadLetters(t.Context(), 0) {
		require.ErrorIs(t, err, engine.ErrCorrupt)
	}
	require.NoError(t, store.Close())
	change(t, path, "UPDATE letters SET state = 0")
	_, err = sqlite.Open(t.Context(), path, sqlite.Options{})
	require.ErrorIs(t, err, engine.ErrCorrupt)
}

// People with stock tools find the letters in a view.
func TestLettersWithStockTools(t *testing.T) {
	tool, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("sqlite3 is not installed")
	}
	path := filepath.Join(t.TempDir(), "events.db")
	store := openFile(t, path, sqlite.Options{})
	letter := deadLetter("order'17", engine.Parked)
	must(t, store, letter, engine.Append{Expected: engine.Never, Letter: engine.NewDeadLetter(&engine.Command{
		Message: engine.Message{Data: engine.Raw("\xff{half")}, Defect: errors.New("not JSON"),
	}, errors.New("not JSON"))})
	out, err := exec.CommandContext(t.Context(), tool, "-readonly", path,
		"select number, id, state, aggregate, type, reason, attempts, substr(first_time, 1, 4), origin from dead_letters").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, fmt.Sprintf("1|%s|parked|order'17|order.create|no 'stock'|5|%d|orders.jsonl:17", letter.CommandID, time.Now().UTC().Year()),
		strings.Split(string(out), "\n")[0])
	require.Contains(t, string(out), "|skipped|||not JSON|0||")
}

// change changes a file through another connection, which keeps the checksums of its pages.
func change(t *testing.T, path, sql string) {
	t.Helper()
	other, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, other.Exec(sql))
	require.NoError(t, other.Close())
}
