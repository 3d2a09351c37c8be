package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
)

// loose is a topology in which everything hangs loose that can, under the worst of names.
var loose = engine.Topology{
	Commands: []engine.TopologyCommand{
		{
			Type: "end", Middleware: []string{"1. retry 3", "`md`", "- a"},
			Handlers: []engine.TopologyHandler{
				{Name: "a\"b[x]{y}|z|-->q\n%% c", Makes: []string{"ev#1;", "nope"}},
				{Name: "subgraph", Decider: true, Makes: []string{"ev#1;"}},
				{Name: ""},
			},
		},
		{Type: "graph <b>x</b>"},
		{Type: "click &quot; #quot; 漢字", Handlers: []engine.TopologyHandler{
			{Name: "style", Decider: true, Makes: []string{"b"}}, {Name: "style2", Decider: true, Makes: []string{"b"}},
		}},
	},
	Events: []engine.TopologyEvent{
		{Type: "ev#1;", EvolvedBy: []string{"style"}, ReadBy: []string{"o", "the direction  TB", "direction LR"}},
		{Type: "b", EvolvedBy: []string{"style", "other"}},
		{Type: "__unread__"},
	},
}

func TestGraphOfOrders(t *testing.T) {
	got := orchestrix(t, "", "graph")
	require.Equal(t, 0, got.status, got.err)
	require.Empty(t, got.err)
	g := readMermaid(t, got.out)
	require.Equal(t, "order.pay", g.labels["c2"])
	require.Equal(t, "order", g.labels["d0"])
	for _, edge := range []string{
		"sources --> admit", "admit --> lanes", "lanes --> workers", "workers --> c0", "c0 --> d0", "d0 --> join",
		"join --> append", "append --> store", "store --> followers", "d0 <-.-> makes and evolves e0",
	} {
		require.Contains(t, g.edges, edge)
	}

	got = orchestrix(t, "", "graph", "--format", "json")
	require.Equal(t, 0, got.status, got.err)
	var top engine.Topology
	require.NoError(t, json.Unmarshal([]byte(got.out), &top))
	require.Equal(t, engine.NewRegistry(order.Module{}).Describe(), top)

	got = orchestrix(t, "", "graph", "--lint")
	require.Equal(t, call{0, "nothing hangs loose: 5 commands, 5 events\n", ""}, got)
	got = orchestrix(t, `{"commands":[],"events":[]}`, "graph", "--lint", "--in", "-")
	require.Equal(t, call{0, "nothing hangs loose: 0 commands, 0 events\n", ""}, got)
	got = orchestrix(t, "", "graph", "--lint", "--format", "json")
	require.Equal(t, call{0, `{"findings":[]}` + "\n", ""}, got)
}

// The chain stands between its command and the handlers, which are numbered in registration sequence.
func TestGraphOfLooseEnds(t *testing.T) {
	text, err := json.Marshal(loose)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "topology.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	got := orchestrix(t, "", "graph", "--in", path)
	require.Equal(t, 0, got.status, got.err)
	require.Equal(t, got, orchestrix(t, string(text), "graph", "--in", "-"))
	g := readMermaid(t, got.out)
	for _, edge := range []string{
		"workers --> c0", "c0 --> c0m0", "c0m0 --> c0m1", "c0m1 --> c0m2", "c0m2 --> 1 c0h0", "c0m2 --> 2 d0", "c0m2 --> 3 c0h2",
		"c0h0 --> join", "d0 --> join", "workers --> c1", "c1 --> c1none", "c0h0 -.-> makes e0", "d0 -.-> makes e0",
		"e0 -.-> evolves d1", "e0 -.-> is read by r1", "followers --> r1", "d1 <-.-> makes and evolves e1", "e1 -.-> evolves d3",
	} {
		require.Contains(t, g.edges, edge)
	}
	require.Equal(t, "1. retry 3", g.labels["c0m0"])
	require.Equal(t, loose.Commands[0].Handlers[0].Name, g.labels["c0h0"])
	require.Equal(t, "the direction  TB", g.labels["r1"])

	got = orchestrix(t, "", "graph", "--in", path, "--lint")
	require.Equal(t, exitBroken, got.status)
	require.Empty(t, got.err)
	require.Equal(t, loose.Lint(), strings.Split(strings.TrimSpace(got.out), "\n"))
	require.Len(t, loose.Lint(), 5)
	got = orchestrix(t, "", "graph", "--in", path, "--lint", "--format", "json")
	require.Equal(t, exitBroken, got.status)
	var read struct{ Findings []string }
	require.NoError(t, json.Unmarshal([]byte(got.out), &read))
	require.Equal(t, loose.Lint(), read.Findings)
}

func TestGraphUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	for args, says := range map[string]string{
		"graph --format svg":        `--format is "svg": give mermaid or json`,
		"graph --in nowhere.json":   "cannot read the topology",
		"graph --in -":              "write one with json.Marshal",
		"graph --in - --lint extra": "takes no argument",
	} {
		got := orchestrix(t, `{"commands":[],"surprise":1}`, strings.Fields(args)...)
		require.Equal(t, exitUsage, got.status, args)
		require.Contains(t, got.err, says)
	}
}

// Whatever things are called, the text is a flowchart and the names come out as they went in.
func TestMermaidOfAnyNames(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	pieces := []string{
		"a", "Z", "9", " ", "  ", ".", "1. ", "-", "_", "*", "#", "#35;", ";", "&", "\"", "'", "`", "<", ">", "[", "]", "(", ")", "{", "}", "|",
		"-->", "==", "%%", "\n", "\r", "\t", "\\", "/", ":", ",", "end", "subgraph", "direction ", "direction", "TB", "é", "漢", "🎈", "\u2028",
	}
	name := func() string {
		var b strings.Builder
		for range random.IntN(6) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	for range 2000 {
		top := engine.Topology{
			Commands: []engine.TopologyCommand{{Type: name(), Middleware: []string{name(), name()}, Handlers: []engine.TopologyHandler{
				{Name: name()}, {Name: name(), Decider: true},
			}}},
			Events: []engine.TopologyEvent{{Type: name(), EvolvedBy: []string{name()}, ReadBy: []string{name()}}},
		}
		g := readMermaid(t, drawMermaid(top))
		c, e := top.Commands[0], top.Events[0]
		for id, want := range map[string]string{
			"c0": c.Type, "c0m0": c.Middleware[0], "c0m1": c.Middleware[1], "c0h0": c.Handlers[0].Name, "d0": c.Handlers[1].Name,
			"e0": e.Type, "r0": e.ReadBy[0],
		} {
			if want == "" {
				want = " "
			}
			require.Equal(t, want, g.labels[id], "seed %d: %s", seed, id)
		}
	}
}

// mermaid is a flowchart that was read back.
type mermaid struct {
	labels map[string]string // of nodes and brackets, by id
	edges  []string          // "from --> label to"
}

const (
	mermaidID    = `([a-z][a-z0-9]*)`
	mermaidLabel = `"((?:[\p{L}\p{Nd} ,.:_/-]|#[0-9]+;)+)"` // what stands for itself, and numbers of characters
)

// The grammar of what is drawn, a part of Mermaid's.
var (
	mermaidOpen = regexp.MustCompile(`^ *subgraph ` + mermaidID + `\[` + mermaidLabel + `\]$`)
	mermaidNode = regexp.MustCompile(`^ *` + mermaidID + `(\[|\(|\(\[|\{\{|\[\()` + mermaidLabel + `(\]|\)|\]\)|\}\}|\)\])$`)
	mermaidEdge = regexp.MustCompile(`^ *` + mermaidID + ` (-->|-\.->|<-\.->)(?:\|` + mermaidLabel + `\|)? ` + mermaidID + `$`)
	// Mermaid's own lexer looks for this in the middle of every line.
	mermaidTrap = regexp.MustCompile(`direction\s+(TB|BT|RL|LR|TD)`)
	mermaidCode = regexp.MustCompile(`#([0-9]+);`)

	mermaidWords  = []string{"end", "graph", "flowchart", "subgraph", "style", "class", "click", "call", "href", "default", "direction"}
	mermaidCloses = map[string]string{"[": "]", "(": ")", "([": "])", "{{": "}}", "[(": ")]"}
)

// readMermaid reads a flowchart and fails on whatever is no part of the grammar: an id that is a word of Mermaid's or is
// used twice, a bracket that is not closed, a node in an edge that is not there, text that is not quoted or not escaped.
func readMermaid(t *testing.T, text string) mermaid {
	t.Helper()
	g := mermaid{labels: map[string]string{}}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	require.Equal(t, "flowchart LR", lines[0])
	enter := func(id, label string) {
		require.NotContains(t, mermaidWords, id)
		require.NotContains(t, g.labels, id, "two nodes of one id")
		g.labels[id] = plain(label)
	}
	depth := 0
	var ends [][2]string
	for _, line := range lines[1:] {
		require.NotRegexp(t, mermaidTrap, line)
		if m := mermaidOpen.FindStringSubmatch(line); m != nil {
			depth++
			enter(m[1], m[2])
		} else if strings.TrimSpace(line) == "end" {
			depth--
			require.GreaterOrEqual(t, depth, 0, "closed and not opened")
		} else if m := mermaidNode.FindStringSubmatch(line); m != nil {
			require.Equal(t, mermaidCloses[m[2]], m[4], line)
			require.Empty(t, ends, "a node comes after an edge, which may have drawn it somewhere else")
			enter(m[1], m[3])
		} else if m := mermaidEdge.FindStringSubmatch(line); m != nil {
			require.Zero(t, depth, "an edge in a bracket draws its nodes there")
			ends = append(ends, [2]string{m[1], m[4]})
			g.edges = append(g.edges, strings.Join(strings.Fields(fmt.Sprint(m[1], " ", m[2], " ", plain(m[3]), " ", m[4])), " "))
		} else {
			require.Fail(t, "no line of a flowchart", "%q", line)
		}
	}
	require.Zero(t, depth, "opened and not closed")
	for _, end := range ends {
		require.Contains(t, g.labels, end[0])
		require.Contains(t, g.labels, end[1])
	}
	return g
}

// plain is a label as it is seen.
func plain(label string) string {
	return mermaidCode.ReplaceAllStringFunc(label, func(code string) string {
		n, _ := strconv.Atoi(code[1 : len(code)-1])
		return string(rune(n))
	})
}
