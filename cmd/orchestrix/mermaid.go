package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/orchestrix-go/orchestrix/engine"
)

// flowchart is a drawing under way, in the text form of Mermaid: one node, edge or bracket on each line. Nodes have ids of
// our own making; whatever others have named is only ever text between quotes.
type flowchart struct {
	nodes, edges strings.Builder // edges come last: a node that an edge names inside of a bracket would be drawn in it
	indent       string
	drawn        map[string]bool
	deciders     []string // decider i is node d<i>: one node however many commands it decides
	readers      []string // reader i is node r<i>
	events       []string // event i is node e<i>
}

// drawMermaid draws a topology as a Mermaid flowchart.
func drawMermaid(top engine.Topology) string {
	f := &flowchart{indent: "  ", drawn: map[string]bool{}}
	f.node("sources", stadium, "sources")
	f.node("admit", box, "admit: bounded window")
	f.node("lanes", box, "lanes: one per active aggregate")
	f.node("workers", box, "workers: bounded pool")
	f.open("handling", "handlers and deciders, with their middleware")
	f.edge("sources", "-->", "admit")
	f.edge("admit", "-->", "lanes")
	f.edge("lanes", "-->", "workers")
	for i, c := range top.Commands {
		f.command(fmt.Sprintf("c%d", i), c)
	}
	f.close()
	f.node("join", box, "join: in registration sequence")
	f.node("append", box, "ordered append: group commit")
	f.node("store", drum, "store")
	f.node("followers", stadium, "followers: read the stored log")
	f.edge("join", "-->", "append")
	f.edge("append", "-->", "store")
	f.edge("store", "-->", "followers")
	f.open("stated", "events")
	for _, e := range top.Events {
		f.named("e", &f.events, e.Type, rounded)
	}
	f.close()
	for _, e := range top.Events {
		f.read(e, top)
	}
	return "flowchart LR\n" + f.nodes.String() + f.edges.String()
}

// Shapes of nodes: what opens and what closes them.
type shape [2]string

var (
	box     = shape{"[", "]"}
	rounded = shape{"(", ")"}
	stadium = shape{"([", "])"}
	hexagon = shape{"{{", "}}"}
	drum    = shape{"[(", ")]"}
)

// command draws a command, its chain and what that ends at, each handler numbered as registered.
func (f *flowchart) command(id string, c engine.TopologyCommand) {
	f.node(id, box, c.Type)
	f.edge("workers", "-->", id)
	last := id
	for i, name := range c.Middleware {
		next := fmt.Sprintf("%sm%d", id, i)
		f.node(next, stadium, name)
		f.edge(last, "-->", next)
		last = next
	}
	for i, h := range c.Handlers {
		to := fmt.Sprintf("%sh%d", id, i)
		if h.Decider {
			to = f.named("d", &f.deciders, h.Name, hexagon)
		} else {
			f.node(to, box, h.Name)
		}
		arrow := "-->"
		if len(c.Handlers) > 1 {
			arrow = fmt.Sprintf(`-->|"%d"|`, i+1)
		}
		f.edge(last, arrow, to)
		f.edge(to, "-->", "join")
	}
	if len(c.Handlers) == 0 {
		f.node(id+"none", stadium, "nobody handles it")
		f.edge(last, "-->", id+"none")
	}
}

// read draws who makes an event and who reads it.
func (f *flowchart) read(e engine.TopologyEvent, top engine.Topology) {
	event := f.named("e", &f.events, e.Type, rounded)
	both := map[string]bool{}
	for i, c := range top.Commands {
		for j, h := range c.Handlers {
			switch {
			case !slices.Contains(h.Makes, e.Type):
			case !h.Decider:
				f.edge(fmt.Sprintf("c%dh%d", i, j), `-.->|"makes"|`, event)
			case slices.Contains(e.EvolvedBy, h.Name):
				both[h.Name] = true
				f.edge(f.named("d", &f.deciders, h.Name, hexagon), `<-.->|"makes and evolves"|`, event)
			default:
				f.edge(f.named("d", &f.deciders, h.Name, hexagon), `-.->|"makes"|`, event)
			}
		}
	}
	for _, decider := range e.EvolvedBy {
		if !both[decider] {
			f.edge(event, `-.->|"evolves"|`, f.named("d", &f.deciders, decider, hexagon))
		}
	}
	for _, reader := range e.ReadBy {
		id := f.named("r", &f.readers, reader, box)
		f.edge("followers", "-->", id)
		f.edge(event, `-.->|"is read by"|`, id)
	}
}

// named gives the node of a name in a list. It draws the node when the name is new.
func (f *flowchart) named(letter string, list *[]string, name string, s shape) string {
	i := slices.Index(*list, name)
	if i < 0 {
		i = len(*list)
		*list = append(*list, name)
		f.node(fmt.Sprintf("%s%d", letter, i), s, name)
	}
	return fmt.Sprintf("%s%d", letter, i)
}

func (f *flowchart) open(id, label string) {
	fmt.Fprintf(&f.nodes, "%ssubgraph %s[\"%s\"]\n", f.indent, id, escape(label))
	f.indent += "  "
}

func (f *flowchart) close() {
	f.indent = f.indent[2:]
	fmt.Fprintf(&f.nodes, "%send\n", f.indent)
}

func (f *flowchart) node(id string, s shape, label string) {
	fmt.Fprintf(&f.nodes, "%s%s%s\"%s\"%s\n", f.indent, id, s[0], escape(label), s[1])
}

// edge draws an arrow, unless it is there already.
func (f *flowchart) edge(from, arrow, to string) {
	edge := from + " " + arrow + " " + to
	if !f.drawn[edge] {
		f.drawn[edge] = true
		fmt.Fprintf(&f.edges, "  %s\n", edge)
	}
}

// escape writes a label so that nothing in it means anything to Mermaid, nor to the Markdown and HTML in its labels: what
// is not plain becomes the number of its character, as in #34; for a quote.
func escape(label string) string {
	if label == "" {
		return "#32;"
	}
	runes := []rune(label)
	var b strings.Builder
	for i, r := range runes {
		if isPlain(runes, i) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	// Mermaid takes any line with the words "direction LR" in it for a demand to change direction, quotes or not.
	return strings.ReplaceAll(b.String(), "direction ", "direction#32;")
}

func isPlain(runes []rune, i int) bool {
	isWord := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	switch runes[i] {
	case '.', '_', '-', '/', ':': // only inside of words: elsewhere they may be the mark of a list or of emphasis
		return isWord(i-1) && isWord(i+1) || runes[i] == ':' && isWord(i-1) && i+1 < len(runes) && runes[i+1] == ' '
	case ' ':
		return i > 0 && i < len(runes)-1
	case ',':
		return true
	}
	return isWord(i)
}
