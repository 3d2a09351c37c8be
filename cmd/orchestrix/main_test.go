package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
)

// TestMain is the program itself when a test starts this binary as one.
func TestMain(m *testing.M) {
	if os.Getenv("ORCHESTRIX_MAIN") != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// call is one run of the program: its exit status and what it printed.
type call struct {
	status   int
	out, err string
}

// orchestrix runs the program on a folder of its own, with in as its standard input.
func orchestrix(t *testing.T, in string, args ...string) call {
	t.Helper()
	var out, errs bytes.Buffer
	status := execute(context.Background(), args, streams{strings.NewReader(in), &out, &errs})
	return call{status, out.String(), errs.String()}
}

// result reads what --json prints: one object and nothing else.
func (c call) result(t *testing.T) bench.Result {
	t.Helper()
	var r bench.Result
	require.NoError(t, json.Unmarshal([]byte(c.out), &r, json.RejectUnknownMembers(true)), "stdout: %s", c.out)
	return r
}

// orderLines are generated orders in the form of an input file.
func orderLines(t *testing.T, commands, aggregates int) string {
	t.Helper()
	registry := engine.NewRegistry(order.Module{})
	var b strings.Builder
	for cmd := range bench.Orders(commands, aggregates, 11) {
		named := *cmd
		route, err := registry.Route(cmd)
		require.NoError(t, err)
		named.Type = route.Type
		line, err := named.CloudEvent(registry)
		require.NoError(t, err)
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// storedEvent is a line that events prints.
type storedEvent struct {
	SpecVersion   string `json:"specversion"`
	Type          string `json:"type"`
	Subject       string `json:"subject"`
	Version       uint64 `json:"version"`
	Position      string `json:"position"`
	CorrelationID string `json:"correlationid"`
	CausationID   string `json:"causationid"`
}

func storedEvents(t *testing.T, c call) []storedEvent {
	t.Helper()
	require.Equal(t, 0, c.status, c.err)
	var events []storedEvent
	for line := range strings.Lines(c.out) {
		var e storedEvent
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		events = append(events, e)
	}
	return events
}

func TestUsageErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ args, says string }{
		{"", "say what to do"},
		{"bench everything", "give some of"},
		{"bench --runs 0", "--runs is 0"},
		{"frobnicate", "see orchestrix --help"},
		{"frobnicate", "unknown command"},
		{"run --bogus", "unknown flag"},
		{"run --bogus", "see orchestrix run --help"},
		{"letters rm", "see orchestrix letters --help"},
		{"verify --store nowhere.db", "there is no store nowhere.db: run makes one"},
		{"run extra", `takes no argument, and there is "extra": a file is named with --in or --store`},
		{"run --in nowhere.jsonl", "cannot read the input"},
		{"run --in .", "is a folder"},
		{"run --in - --commands 5", "give one of the two"},
		{"run --commands 0", "must be 1 or more"},
		{"run --workers -1 --store x.db", "--workers is -1"},
		{"run --workers 70000 --store x.db", "--workers is 70000"},
		{"run --in=", "--in is empty"},
		{"run --drain-timeout -1s", "--drain-timeout is -1s"},
		{"status --store nowhere.db", "there is no store nowhere.db"},
		{"status --store memory:", "has nothing to read"},
		{"run --store postgres://somewhere", "knows memory: and the path of a file"},
		{"stress --producers 0", "must be 1 or more"},
		{"stress --workers -1", "--workers is -1"},
		{"events --store nowhere.db", "there is no store nowhere.db"},
		{"events --store memory:", "has nothing to read"},
	} {
		t.Run(c.args, func(t *testing.T) {
			got := orchestrix(t, "", strings.Fields(c.args)...)
			require.Equal(t, exitUsage, got.status, got.err)
			require.Contains(t, got.err, c.says)
		})
	}
}
