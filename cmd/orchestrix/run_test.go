package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
)

// The same file twice into the same store: the second run adds nothing and reports the first outcomes.
func TestRunTwice(t *testing.T) {
	folder := t.TempDir()
	input, store := filepath.Join(folder, "orders.jsonl"), filepath.Join(folder, "orders.db")
	lines := orderLines(t, 3000, 200)
	require.NoError(t, os.WriteFile(input, []byte(lines), 0o600))

	first := orchestrix(t, "", "run", "--in", input, "--store", store, "--json")
	require.Equal(t, 0, first.status, first.err)
	r := first.result(t)
	require.True(t, r.OK)
	require.Equal(t, []int{3000, 3000, 3000, 200}, []int{r.Commands, r.Accepted, r.Events, r.Aggregates})
	require.Equal(t, pipeline.Sequence{}, r.Sequence)

	again := orchestrix(t, "", "run", "--in", input, "--store", store, "--json")
	require.Equal(t, 0, again.status, again.err)
	r = again.result(t)
	require.True(t, r.OK)
	require.Equal(t, []int{3000, 3000, 0, 200}, []int{r.Commands, r.Accepted, r.Events, r.Aggregates})
	require.NoFileExists(t, store+".dead.jsonl")

	checkAgainstInput(t, lines, storedEvents(t, orchestrix(t, "", "events", "--store", store)))
}

// checkAgainstInput holds the stored events against the input: every aggregate's commands in input sequence, versions
// from 1 without a gap, positions ascending.
func checkAgainstInput(t *testing.T, lines string, events []storedEvent) {
	t.Helper()
	want := map[string][]string{}
	for line := range strings.Lines(lines) {
		cmd, err := engine.UnmarshalCloudCommand([]byte(line))
		require.NoError(t, err)
		want[cmd.Subject] = append(want[cmd.Subject], cmd.ID.String())
	}
	got := map[string][]string{}
	last := 0
	for _, e := range events {
		got[e.Subject] = append(got[e.Subject], e.CausationID)
		require.EqualValues(t, len(got[e.Subject]), e.Version, "version of %s", e.Subject)
		require.Equal(t, e.CausationID, e.CorrelationID)
		var position int
		_, err := fmt.Sscan(e.Position, &position)
		require.NoError(t, err)
		require.Greater(t, position, last)
		last = position
	}
	require.Equal(t, want, got)
}

func TestRunGenerates(t *testing.T) {
	t.Chdir(t.TempDir())
	c := orchestrix(t, "", "run", "--commands", "2000", "--aggregates", "50", "--seed", "3")
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "✔ sequence holds: 0 gaps, 0 swaps, 0 lost, 0 duplicates")
	require.Contains(t, c.err, "--seed 3")
	require.FileExists(t, "data/orders.db")
	c = orchestrix(t, "", "run", "--commands", "2000", "--aggregates", "50", "--seed", "3")
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "answered before")
	require.Len(t, storedEvents(t, orchestrix(t, "", "events")), 2000)
}

// badLines are told with their place and reason, kept whole in the store, and the run goes on around them.
const badLines = `{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad90","type":"order.create","source":"t","subject":"o-1","data":{"customer":"A"}}
this is no JSON, but "kept" whole
{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"order.explode","source":"t","subject":"o-1","data":{}}
{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad92","type":"order.pay","source":"t","subject":"o-1","data":{"amount_cents":5}}

{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad93","type":"order.add_item","source":"t","subject":"o-1","data":{"sku":"x","quantity":1,"price":5}}
{"specversion":"1.0","id":"0190163d-8694-739b-aea5-966c26f8ad94","type":"order.add_item","source":"t","subject":"o-1","data":{"sku":"x","quantity":1,"unit_price_cents":5}}
{"specversion":"1.0","id":"mine","type":"order.pay","source":"t","subject":"o-1","data":{"amount_cents":5}}`

func TestRunBadLines(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	for run, events := range []int{3, 0} { // the second time the first outcomes, the rejection among them
		c := orchestrix(t, badLines, "run", "--in", "-", "--store", store, "--json")
		require.Equal(t, exitDeadLetters, c.status, c.err)
		r := c.result(t)
		require.Equal(t, []int{7, 3, 1, 3, 0, events}, []int{
			r.Commands, r.Accepted, r.Rejected, r.DeadLettered, r.Unknown, r.Events,
		}, "run %d", run)
		require.True(t, r.OK)
		id, err := engine.ParseID("0190163d-8694-739b-aea5-966c26f8ad92")
		require.NoError(t, err)
		require.Equal(t, []bench.Rejection{{
			Reason: "the order has no items: there is nothing to pay", Commands: 1, Example: id, Origin: "standard input:4",
		}}, r.Rejections)
		for _, says := range []string{
			"standard input:2: ", "standard input:3: engine: type is not registered: \"order.explode\"", "standard input:6: ",
		} {
			require.Contains(t, c.err, says)
		}
	}
	require.NoFileExists(t, store+".dead.jsonl", "the store keeps them")
	c := orchestrix(t, "", "letters", "list", "--store", store, "--json")
	checkBadLines(t, c.out, 3) // the second run found them there
}

// Why commands were rejected stands above the verdict, the commonest reasons one by one.
func TestRunTellsWhyItRejects(t *testing.T) {
	const line = `{"specversion":"1.0","id":"%s","type":"%s","source":"t","subject":"o","data":%s}` + "\n"
	var input strings.Builder
	fmt.Fprintf(&input, line, "first", "order.create", `{"customer":"A"}`)
	for reason := range 8 {
		for i := range reason + 1 { // one more command for each reason
			item := fmt.Sprintf(`{"sku":"x","quantity":%d,"unit_price_cents":1}`, -reason)
			fmt.Fprintf(&input, line, fmt.Sprint(reason, i), "order.add_item", item)
		}
	}
	c := orchestrix(t, input.String(), "run", "--in", "-", "--store", "memory:")
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "rejected 8 commands: quantity is -7: it must be at least 1 (as ")
	require.Contains(t, c.out, " at standard input:30)\nrejected 7 commands")
	require.Contains(t, c.out, "rejected 6 commands for other reasons: see --json\n✔ sequence holds")
}

// A store in memory ends with the run: its dead letters are kept in a file, and each run adds to it.
func TestRunBadLinesInMemory(t *testing.T) {
	t.Chdir(t.TempDir())
	for range 2 {
		c := orchestrix(t, badLines, "run", "--in", "-", "--store", "memory:", "--json")
		require.Equal(t, exitDeadLetters, c.status, c.err)
		require.Contains(t, c.err, "3 dead letters in orchestrix.dead.jsonl")
	}
	kept, err := os.ReadFile("orchestrix.dead.jsonl")
	require.NoError(t, err)
	checkBadLines(t, string(kept), 6)
}

// checkBadLines looks at the dead letters of badLines, as lines of JSON.
func checkBadLines(t *testing.T, kept string, lines int) {
	t.Helper()
	letters := strings.Split(strings.TrimSpace(kept), "\n")
	require.Len(t, letters, lines)
	byOrigin := map[string]deadLetter{}
	for _, line := range letters {
		var letter deadLetter
		require.NoError(t, json.Unmarshal([]byte(line), &letter))
		byOrigin[letter.Origin] = letter
	}
	require.Len(t, byOrigin, 3)
	require.Equal(t, `this is no JSON, but "kept" whole`, byOrigin["standard input:2"].Raw)
	require.Equal(t, "order.explode", byOrigin["standard input:3"].Command.Type)
	require.Contains(t, byOrigin["standard input:6"].Reason, "price")
}

// deadLetter is a dead letter as a line of JSON.
type deadLetter struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Origin  string `json:"origin"`
	Reason  string `json:"reason"`
	Raw     string `json:"raw"`
	Command struct {
		Type string `json:"type"`
	} `json:"command"`
}

// A file that is no store is left alone, and nothing is made beside it.
func TestRunUnreadableStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "junk.db")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600))
	c := orchestrix(t, badLines, "run", "--in", "-", "--store", path)
	require.Equal(t, exitUsage, c.status)
	require.Contains(t, c.err, "not a SQLite database")
	require.NoFileExists(t, path+".dead.jsonl")
}
