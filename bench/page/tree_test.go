package page

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
)

// The page is written so that it is XML too: a strict parser then finds every fault of nesting and escaping.

// node is an element of a page, or a text when it has no name.
type node struct {
	name  string
	attrs map[string]string
	text  string
	kids  []*node
}

// written gives the page of a report, checked and parsed.
func written(t require.TestingT, report bench.Report) *node {
	var out bytes.Buffer
	require.NoError(t, Write(&out, report))
	root := parsed(t, &out)
	inspect(t, root)
	return root
}

func parsed(t require.TestingT, in io.Reader) *node {
	decoder, root := xml.NewDecoder(in), &node{}
	open := []*node{root}
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			require.Len(t, open, 1)
			return root
		}
		require.NoError(t, err)
		above := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				n.attrs[a.Name.Local] = a.Value
			}
			above.kids = append(above.kids, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			above.kids = append(above.kids, &node{text: string(token)})
		}
	}
}

// all gives the elements of a name, and of a class if one is given, in the sequence of the page.
func (n *node) all(name string, class ...string) []*node {
	var found []*node
	n.walk(func(one *node) {
		has := strings.Fields(one.attrs["class"])
		for _, c := range class {
			if !strings.Contains(" "+strings.Join(has, " ")+" ", " "+c+" ") {
				return
			}
		}
		if one.name == name {
			found = append(found, one)
		}
	})
	return found
}

func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, kid := range n.kids {
		kid.walk(visit)
	}
}

// words is the text of a node and everything in it.
func (n *node) words() string {
	var b strings.Builder
	n.walk(func(one *node) { b.WriteString(one.text) })
	return strings.TrimSpace(b.String())
}

func allWords(nodes []*node) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, n.words())
	}
	return all
}

// inspect checks what has to be true of every page, whatever is in the report.
func inspect(t require.TestingT, root *node) {
	ids := map[string]bool{}
	root.walk(func(n *node) {
		if id := n.attrs["id"]; id != "" {
			require.False(t, ids[id], "id %s comes twice", id)
			ids[id] = true
		}
	})
	root.walk(func(n *node) {
		require.NotContains(t, []string{"script", "link", "img", "iframe", "object"}, n.name)
		require.False(t, strings.ContainsFunc(n.text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }))
		for name, value := range n.attrs {
			require.False(t, strings.HasPrefix(name, "on") || name == "src" || name == "style", "attribute %s", name)
			switch name {
			case "href":
				require.True(t, ids[strings.TrimPrefix(value, "#")], "link to %s", value)
			case "aria-labelledby":
				for _, id := range strings.Fields(value) {
					require.True(t, ids[id], "labelled by %s", id)
				}
			}
		}
		switch n.name {
		case "svg":
			inspectPicture(t, n)
		case "th":
			require.Contains(t, []string{"col", "row"}, n.attrs["scope"])
		case "table":
			rows := n.all("tr")
			for _, row := range rows {
				require.Len(t, append(row.all("th"), row.all("td")...), len(rows[0].all("th")), "cells in a row")
			}
		}
	})
}

var (
	command = regexp.MustCompile(`^([MLHV])(-?[\d.]+)(?: (-?[\d.]+))?`)
	others  = regexp.MustCompile(`^(Z|h0)`)
)

// inspectPicture checks that a picture has a name or is hidden, and that everything it draws is inside its view box.
func inspectPicture(t require.TestingT, svg *node) {
	box := strings.Fields(svg.attrs["viewBox"])
	require.Len(t, box, 4)
	width, height := number(t, box[2]), number(t, box[3])
	if svg.attrs["aria-hidden"] != "true" {
		require.Equal(t, "img", svg.attrs["role"])
		require.NotEmpty(t, svg.attrs["aria-labelledby"])
	}
	inside := func(v, limit float64, what string) {
		require.GreaterOrEqual(t, v, -0.1, what)
		require.LessOrEqual(t, v, limit+0.1, what)
	}
	for _, path := range svg.all("path") {
		for _, p := range corners(t, path) {
			inside(p.x, width, path.attrs["d"])
			inside(p.y, height, path.attrs["d"])
		}
	}
	for _, text := range svg.all("text") {
		x, y, words := number(t, text.attrs["x"]), number(t, text.attrs["y"]), text.words()
		inside(y, height, words)
		start := map[string]float64{"start": 0, "middle": 0.5, "end": 1}
		if share, ok := start[text.attrs["text-anchor"]]; ok && !strings.Contains(text.attrs["class"], "turned") {
			inside(x-share*breadth(words), width, words)
			inside(x+(1-share)*breadth(words), width, words)
		}
	}
}

// corners gives every point that a path goes to.
func corners(t require.TestingT, path *node) []point {
	var at point
	var all []point
	for rest := path.attrs["d"]; rest != ""; {
		if m := others.FindString(rest); m != "" {
			rest = rest[len(m):]
			continue
		}
		m := command.FindStringSubmatch(rest)
		require.NotNil(t, m, "in a path: %s", rest)
		switch m[1] {
		case "H":
			at.x = number(t, m[2])
		case "V":
			at.y = number(t, m[2])
		default:
			at = point{number(t, m[2]), number(t, m[3])}
		}
		all = append(all, at)
		rest = rest[len(m[0]):]
	}
	return all
}

func number(t require.TestingT, s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}
