package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

// lettersOf lists the letters of a store.
func lettersOf(t *testing.T, store string, args ...string) (letters []deadLetter) {
	t.Helper()
	c := orchestrix(t, "", append([]string{"letters", "list", "--json", "--store", store}, args...)...)
	require.Equal(t, 0, c.status, c.err)
	for line := range strings.Lines(c.out) {
		var letter deadLetter
		require.NoError(t, json.Unmarshal([]byte(line), &letter))
		letters = append(letters, letter)
	}
	return letters
}

// letters runs a command below letters on a store.
func letters(t *testing.T, store string, args ...string) call {
	t.Helper()
	return orchestrix(t, "", append(append([]string{"letters"}, args...), "--store", store)...)
}

// parkedLines are an order whose third command cannot be read by its handler, and a healthy one.
const parkedLines = `{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad01","type":"order.create","source":"t","subject":"o-1","data":{"customer":"A"}}
{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad02","type":"order.create","source":"t","subject":"o-2","data":{"customer":"B"}}
{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad03","type":"order.add_item","source":"t","subject":"o-1","data":{"sku":"x","quantity":2,"price":5}}
{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad04","type":"order.add_item","source":"t","subject":"o-1","data":{"sku":"y","quantity":1,"unit_price_cents":7}}
{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad05","type":"order.pay","source":"t","subject":"o-1","data":{"amount_cents":17}}
{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad06","type":"order.add_item","source":"t","subject":"o-2","data":{"sku":"x","quantity":1,"unit_price_cents":5}}`

const parkedID = "0190163d-8694-739b-aea5-966c26f8ad03"

// runPart runs some lines into a store, with the flag --park.
func runPart(t *testing.T, store string, lines ...string) call {
	t.Helper()
	c := orchestrix(t, strings.Join(lines, "\n"), "run", "--in", "-", "--park", "--store", store)
	require.Contains(t, c.out, "✔ sequence holds", c.err)
	return c
}

// The whole way of a dead letter: it parks its order, is found, seen, retried in vain, edited, and retried with those that
// wait behind it; then nothing is left, and the order is as if nothing had been.
func TestLettersParkEditRetry(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	lines := strings.Split(parkedLines, "\n")
	c := runPart(t, store, lines[:4]...)
	require.Equal(t, exitDeadLetters, c.status, c.err)
	require.Contains(t, c.err, "2 dead letters in the store")
	require.Contains(t, c.err, "orchestrix letters list --store "+store)
	c = runPart(t, store, lines[4:]...)
	require.Equal(t, exitDeadLetters, c.status, c.err)

	kept := lettersOf(t, store)
	require.Len(t, kept, 3)
	require.Equal(t, []string{"parked", "waiting", "waiting"}, []string{kept[0].State, kept[1].State, kept[2].State})
	require.Len(t, lettersOf(t, store, "--state", "waiting", "--aggregate", "o-1"), 2)
	require.Empty(t, lettersOf(t, store, "--aggregate", "o-2"))
	require.Len(t, lettersOf(t, store, "--reason", "price"), 1)

	c = letters(t, store, "list")
	require.Equal(t, 0, c.status)
	require.Contains(t, c.out, parkedID)
	require.Contains(t, c.out, "3 of 3 dead letters, 1 aggregate parked")
	c = letters(t, store, "show", parkedID)
	require.Equal(t, 0, c.status)
	for _, says := range []string{"parked", "o-1", "order.add_item", "standard input:3", `"price"`, "causes"} {
		require.Contains(t, c.out, says)
	}

	c = letters(t, store, "retry", parkedID)
	require.Equal(t, exitDeadLetters, c.status, c.err)
	require.Contains(t, c.out, "retried 3 dead letters: 0 accepted, 0 rejected, 1 dead again, 2 waiting behind another; 3 left, 1 aggregate parked")
	require.Equal(t, kept, lettersOf(t, store), "nothing moved")

	c = letters(t, store, "edit", parkedID, "--data", `{"sku":"x","quantity":2,"unit_price_cents":5}`, "--retry")
	require.Equal(t, 0, c.status, c.err+c.out)
	require.Contains(t, c.out, "retried 3 dead letters: 3 accepted, 0 rejected, 0 dead again; 0 left, 0 aggregates parked")
	require.Empty(t, lettersOf(t, store))
	require.Contains(t, letters(t, store, "list").out, "no dead letters in")
	var causes []string
	for _, e := range storedEvents(t, orchestrix(t, "", "events", "--aggregate", "o-1", "--store", store)) {
		causes = append(causes, e.CausationID[len(e.CausationID)-2:])
	}
	require.Equal(t, []string{"01", "03", "04", "05"}, causes)
	c = letters(t, store, "retry", "--all")
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "retried 0 dead letters")
	require.Equal(t, 0, orchestrix(t, "", "verify", "--store", store).status)
	require.Contains(t, orchestrix(t, "", "verify", "--store", store).out, "0 dead letters")
}

// What could not be read gets the id of the command that is put in its place; a retry passes over it until then.
func TestLettersUnreadable(t *testing.T) {
	folder := t.TempDir()
	store, file := filepath.Join(folder, "orders.db"), filepath.Join(folder, "fixed.json")
	require.Equal(t, exitDeadLetters, orchestrix(t, badLines, "run", "--in", "-", "--store", store).status)
	byOrigin := map[string]deadLetter{}
	for _, letter := range lettersOf(t, store) {
		require.Equal(t, "skipped", letter.State)
		byOrigin[letter.Origin] = letter
	}
	unread, price := byOrigin["standard input:2"].ID, byOrigin["standard input:6"].ID
	require.Contains(t, letters(t, store, "list").out, "(unreadable)")
	require.Contains(t, letters(t, store, "show", unread).out, `this is no JSON, but "kept" whole`)

	c := letters(t, store, "retry", "--all", "--json")
	require.Equal(t, exitDeadLetters, c.status, c.err)
	var done retried
	require.NoError(t, json.Unmarshal([]byte(c.out), &done))
	require.Equal(t, retried{Retried: 2, Failed: 2, Passed: 1, Left: 3}, done)
	c = letters(t, store, "edit", unread, "--data", `{}`)
	require.Equal(t, exitUsage, c.status)
	require.Contains(t, c.err, "give all of it with --file")

	const id = "0190163d-8694-739b-aea5-966c26f8ad77"
	fixed := `{"specversion":"1.0","id":"%s","type":"%s","source":"t","subject":"%s","data":{"customer":%s}}`
	for text, says := range map[string]string{
		"":      "not a CloudEvents JSON object",
		"{half": "not a CloudEvents JSON object",
		fmt.Sprintf(fixed, id, "order.create", "o-7", "17"):     "cannot be read",
		fmt.Sprintf(fixed, id, "order.explode", "o-7", `"C"`):   "type is not registered",
		fmt.Sprintf(fixed, id, "order.create", "", `"C"`):       "subject",
		fmt.Sprintf(fixed, price, "order.create", "o-7", `"C"`): "was used before",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		c = letters(t, store, "edit", unread, "--file", file)
		require.Equal(t, exitUsage, c.status, "%s: %s", text, c.err)
		require.Contains(t, c.err, says, text)
	}
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, fixed+"\n", id, "order.create", "o-7", `"C"`), 0o600))
	c = letters(t, store, "edit", unread, "--file", file)
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "its id is that of its command now: "+id)
	c = letters(t, store, "retry", id)
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "retried 1 dead letter: 1 accepted")

	// The order is paid by now: the domain refuses the item, which is an outcome.
	c = letters(t, store, "edit", price, "--data", `{"sku":"x","quantity":1,"unit_price_cents":5}`)
	require.Equal(t, 0, c.status, c.err)
	c = letters(t, store, "retry", "--handler", "", "--aggregate", "o-1")
	require.Equal(t, exitDeadLetters, c.status, c.err)
	require.Contains(t, c.out, "0 accepted, 1 rejected, 1 dead again; 1 left")
	require.Contains(t, c.err, "rejected standard input:6: the order is paid: items are added only while it is open\n")
	c = letters(t, store, "edit", price, "--data", `{}`)
	require.Equal(t, exitUsage, c.status)
	require.Contains(t, c.err, "there is no dead letter "+price)
}

// A command in the place of a letter's may leave out the id, which cannot change anyway.
func TestLettersEditWithoutID(t *testing.T) {
	folder := t.TempDir()
	store, file := filepath.Join(folder, "orders.db"), filepath.Join(folder, "fixed.json")
	require.Equal(t, exitDeadLetters, orchestrix(t, badLines, "run", "--in", "-", "--store", store).status)
	price := lettersOf(t, store, "--reason", "price")[0].ID
	const fixed = `{%s"specversion":"1.0","type":"order.add_item","source":"t","subject":"o-1",` +
		`"data":{"sku":"x","quantity":1,"unit_price_cents":5}}`
	for given, says := range map[string]string{
		`"id":"0190163d-8694-739b-aea5-966c26f8ad77",`: "dead letter " + price + " keeps its id",
		`"id":"mine",`: "keeps its id", `"id":"",`: "id is empty", `"id":null,`: "id is empty",
	} {
		require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, fixed, given), 0o600))
		c := letters(t, store, "edit", price, "--file", file)
		require.Equal(t, exitUsage, c.status, given)
		require.Contains(t, c.err, "nothing was changed: ")
		require.Contains(t, c.err, says, given)
	}
	for _, given := range []string{"", fmt.Sprintf(`"id":%q,`, price)} {
		require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, fixed, given), 0o600))
		c := letters(t, store, "edit", price, "--file", file)
		require.Equal(t, 0, c.status, c.err)
		require.Equal(t, fmt.Sprintf("dead letter %s was edited\n", price), c.out)
	}
	require.Contains(t, letters(t, store, "show", price).out, "unit_price_cents")
	unread := lettersOf(t, store, "--reason", "not a CloudEvents")[0].ID
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, fixed, ""), 0o600))
	require.Equal(t, fmt.Sprintf("dead letter %s was edited\n", unread), letters(t, store, "edit", unread, "--file", file).out)
}

// The table fits into 120 columns, whatever the letters hold, and has the id of an aggregate that is a UUID whole.
func TestLettersListIsNarrow(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	long := strings.Repeat("long.", 50)
	var lines strings.Builder
	for _, aggregate := range []string{parkedID, long} {
		fmt.Fprintf(&lines, `{"specversion":"1.0","id":"%s","type":"%s","source":"t","subject":"%s"}`+"\n", aggregate, long, aggregate)
	}
	require.Equal(t, exitDeadLetters, orchestrix(t, lines.String(), "run", "--in", "-", "--store", store).status)
	c := letters(t, store, "list")
	table, _, _ := strings.Cut(c.out, "2 of 2 dead letters")
	for line := range strings.Lines(table) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSpace(line)), 120, c.out)
	}
	require.Contains(t, table, " "+parkedID[:18]+" ")
	require.Contains(t, table, " "+parkedID[18:]+" ")
}

func TestLettersDrop(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	runPart(t, store, strings.Split(parkedLines, "\n")...)
	require.Len(t, lettersOf(t, store), 3)
	c := letters(t, store, "drop", "--aggregate", "o-1")
	require.Equal(t, exitUsage, c.status)
	require.Contains(t, c.err, "removes 3 dead letters for good: say --yes")
	require.Len(t, lettersOf(t, store), 3)

	c = letters(t, store, "drop", parkedID)
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "dropped 1 dead letter; 2 left, 1 aggregate parked")
	c = runPart(t, store, `{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad09","type":"order.pay","source":"t","subject":"o-1","data":{"amount_cents":1}}`)
	require.Equal(t, exitDeadLetters, c.status, "the order is parked behind the next one")
	c = letters(t, store, "retry", "--state", "waiting")
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "retried 3 dead letters: 1 accepted, 2 rejected")

	other := filepath.Join(t.TempDir(), "other.db")
	require.Equal(t, exitDeadLetters, orchestrix(t, badLines, "run", "--in", "-", "--store", other).status)
	c = letters(t, other, "drop", "--all", "--yes")
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "dropped 3 dead letters; 0 left")
	require.Equal(t, 0, letters(t, other, "drop", "--all").status)
}

func TestLettersUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	require.Equal(t, exitDeadLetters, orchestrix(t, badLines, "run", "--in", "-", "--store", "x.db").status)
	const id = "0190163d-8694-739b-aea5-966c26f8ad90"
	for _, c := range []struct{ args, says string }{
		{"letters", "say what to do"},
		{"letters list --store nowhere.db", "there is no store nowhere.db"},
		{"letters list --store memory:", "has nothing to read"},
		{"letters list --store x.db --state gone", "give skipped, parked or waiting"},
		{"letters list extra --store x.db", `takes no argument, and there is "extra": a file is named with --store`},
		{"letters show --store x.db", "give the ID of one dead letter"},
		{"letters show " + id + " " + id + " --store x.db", "give the ID of one dead letter"},
		{"letters edit --data 1 --store x.db", "give the ID of one dead letter"},
		{"letters show 17 --store x.db", `"17" is not the id of a dead letter`},
		{"letters show " + id + " --store x.db", "there is no dead letter " + id},
		{"letters retry --store x.db", "say which"},
		{"letters retry --all --reason no --store x.db", "--all is for all letters"},
		{"letters retry " + id + " --store x.db", "there is no dead letter " + id},
		{"letters retry --reason nonsense --store x.db", "no dead letter fits"},
		{"letters retry --all --store nowhere.db", "there is no store nowhere.db"},
		{"letters drop --store x.db", "say which"},
		{"letters drop " + id + " --store x.db", "there is no dead letter " + id},
		{"letters drop --aggregate nobody --store x.db", "no dead letter fits"},
		{"letters edit " + id + " --store x.db", "either --data JSON or --file FILE"},
		{"letters edit " + id + " --data {} --file f --store x.db", "either --data JSON or --file FILE"},
		{"letters edit " + id + " --data {} --store x.db", "there is no dead letter " + id},
		{"letters edit " + id + " --file nowhere.json --store x.db", "cannot read the command"},
	} {
		got := orchestrix(t, "", strings.Fields(c.args)...)
		require.Equal(t, exitUsage, got.status, "%s: %s", c.args, got.err)
		require.Contains(t, got.err, c.says, c.args)
	}
	for _, args := range []string{"list", "list --json", "show " + id, "retry --all", "drop --all"} {
		c := stopped(strings.Fields("letters " + args + " --store x.db")...)
		require.Equal(t, exitInterrupted, c.status, "%s: %s", args, c.err)
	}
}

// A run that has the store in use does not keep anybody from looking at its letters, and keeps everybody from changing them.
func TestLettersBesideARun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	cmd := engine.NewCommand("o-1", engine.Raw(`{"customer":"A"}`))
	cmd.Type = "order.create"
	letter := engine.Append{
		Aggregate: "o-1", CommandID: cmd.ID, Expected: engine.Never,
		Letter: engine.NewDeadLetter(cmd, &engine.PanicError{Value: "boom", Stack: []byte("main.go:7\n\tmain.go:8")}),
	}
	require.NoError(t, store.Append(t.Context(), []engine.Append{letter})[0].Err)
	require.Len(t, lettersOf(t, path), 1)
	c := letters(t, path, "show", cmd.ID.String())
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "main.go:8")
	c = letters(t, path, "show", "--json", cmd.ID.String())
	require.Contains(t, c.out, `"stack":"main.go:7\n\tmain.go:8"`)
	for _, args := range []string{"retry --all", "drop --all", "edit " + cmd.ID.String() + " --data {}"} {
		c := letters(t, path, strings.Fields(args)...)
		require.Equal(t, exitUsage, c.status, args)
		require.Contains(t, c.err, "another writer", args)
		require.Contains(t, c.err, "try again when that has ended", args)
	}
	require.NoError(t, store.Close())
	c = letters(t, path, "retry", "--all")
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "retried 1 dead letter: 1 accepted")
}
