package bench

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// TestHouseRefuses shows that each rule can fail: a small repository with one fault, and words of the complaint.
func TestHouseRefuses(t *testing.T) {
	long := "package engine\n\nfunc f() {\n" + strings.Repeat("\t_ = 1\n", maxFunctionLines) + "}\n"
	cases := []struct {
		rule, file, text, complaint string
	}{
		{
			"imports follow the table", "engine/a.go",
			"package engine\nimport _ \"os\"\nimport _ \"example.com/x\"",
			"engine/a.go:3: engine may not import example.com/x",
		},
		{
			"imports follow the table", "sources/a.go",
			"package sources\nimport _ \"" + module + "/sinks\"",
			"sources may not import",
		},
		{
			"imports follow the table", "sinks/a.go",
			"package sinks\nimport _ \"" + module + "/engine/x\"",
			"sinks may not import",
		},
		{"imports follow the table", "sinks/x/a.go", "package x", "sinks/x has no row"},
		{
			"files are short", "engine/a_test.go",
			"package engine\n" + strings.Repeat("\n", maxFileLines),
			"401 lines, limit 400",
		},
		{"functions are short", "engine/a.go", long, "engine/a.go:3: f has 62 lines, limit 60"},
		{
			"signatures are small", "engine/a.go",
			"package engine\nfunc F(a, b, c int, d, e string) {}",
			"F takes 5 parameters",
		},
		{
			"signatures are small", "engine/a.go",
			"package engine\ntype T int\nfunc (T) F(a, b bool) {}",
			"T.F has two bools",
		},
		{
			"signatures are small", "engine/a.go",
			"package engine\ntype T interface{ F() (bool, bool) }",
			"T.F has two bools",
		},
		{"go statements have an owner", "engine/a.go", "package engine\nfunc f() { go f() }", "a bare go statement"},
		{"names say what lives there", "engine/util.go", "package engine", "engine/util.go: says nothing"},
		{"names say what lives there", "engine/internal/a.txt", "", "engine/internal: says nothing"},
		{"names say what lives there", "engine/a/a.go", "package common", "package common says nothing"},
		{"the top level is the agreed one", "doc.go", "package orchestrix", "doc.go: is not an agreed name"},
		{
			"order is the domain and nothing else", "sinks/a.go",
			"package sinks\ntype S int\nfunc (S) AppendInOrder() {}",
			"sinks.S.AppendInOrder",
		},
		{
			"order is the domain and nothing else", "sinks/a.go",
			"package sinks\nvar reorderBuffer int",
			"sinks.reorderBuffer",
		},
		{
			"order is the domain and nothing else", "sinks/a.go",
			"package sinks\ntype HTTPOrdering int",
			"sinks.HTTPOrdering",
		},
		{"packages have a comment", "engine/a.go", "package engine", "engine: has 0 package comments"},
		{
			"exported names have a comment", "engine/a.go",
			"package engine\ntype T[S any] struct{}\n// F is.\nfunc F() {}\nfunc (*T[S]) G() {}",
			"engine/a.go:5: T.G has no comment",
		},
		{
			"exported names have a comment", "engine/a.go",
			"package engine\n// Group.\ntype (\n\tT int\n)",
			"T has no comment",
		},
		{
			"rooms fit on one screen", "order/a.go",
			"package order\nconst (\n" + manyNames(17) + ")",
			"order: 17 exported names, limit 16",
		},
		{"paths in the README exist", "engine/a.go", "package engine", "README.md: is missing"},
		{"paths in the README exist", "README.md", "[x](engine/a.go#L1)", "engine/a.go, which does not exist"},
		{"paths in the README exist", "README.md", "see `sinks/memory`", "sinks/memory, which does not exist"},
		{"paths in the README exist", "README.md", "see `join.go:12`", "join.go, which does not exist"},
		{"tests in the README exist", "README.md", "see `TestGone`", "TestGone, which does not exist"},
		{"promises in the README have a proof", "README.md", "| G1 | Durable |", "README.md: G1 has no proof"},
		{"promises in the README have a proof", "README.md", "| G11 | Durable |", "no line for the promise G10;"},
		{
			"promises in the README have a proof", "README.md",
			"| G2 | Atomic | [storetest](a.go), [TestGone](README_test.go) |",
			"G2 is proved by TestGone, which is not in README_test.go",
		},
		{
			"no promise that cannot be kept", "engine/a.txt",
			"delivered\n// Exactly" + "\n// once.",
			"engine/a.txt:2: promises",
		},
	}
	for _, c := range cases {
		t.Run(c.rule+" "+c.file, func(t *testing.T) {
			require.Contains(t, strings.Join(faultsOf(t, c.rule, c.file, c.text), "\n"), c.complaint)
		})
	}
	require.Len(t, unagreedModules([]string{module, packages["zap"], "example.com/x"}), 1)
}

// TestHouseAccepts shows that what only looks like a fault is none.
func TestHouseAccepts(t *testing.T) {
	cases := []struct {
		rule, file, text string
	}{
		{
			"imports follow the table", "sinks/a.go",
			"package sinks\nimport _ \"go.uber.org/zap/zapcore\"\nimport _ \"" + module + "/engine\"",
		},
		{"imports follow the table", "engine/a_test.go", "package engine_test\nimport _ \"" + module + "/sinks\""},
		{"imports follow the table", "cmd/x/a.go", "package main\nimport _ \"example.com/x\""},
		{
			"signatures are small", "engine/a.go",
			"package engine\nimport \"context\"\nfunc F(_ context.Context, a, b, c, d int) (x bool) { return }\nfunc g(a, b bool) {}",
		},
		{
			"go statements have an owner", "engine/a.go",
			"package engine\nimport \"sync\"\nfunc f() { var g sync.WaitGroup; g.Go(f); g.Wait() }",
		},
		{"order is the domain and nothing else", "sinks/a.go", "package sinks\nvar borderWidth, recorder int"},
		{"the top level is the agreed one", "data/x", ""},
		{
			"paths in the README exist", "README.md",
			"[a](https://example.com/x) [b](#top) `application/json` `bin/x` `./...` `" + module + "/x.go`\n```\n`engine/gone.go`\n```\n",
		},
	}
	for _, c := range cases {
		t.Run(c.rule+" "+c.file, func(t *testing.T) {
			require.Empty(t, faultsOf(t, c.rule, c.file, c.text))
		})
	}
}

func faultsOf(t *testing.T, name, file, text string) []string {
	t.Helper()
	tree, err := loadTree(fstest.MapFS{
		".gitignore": {Data: []byte("/data/\n/bin/\n*.test\n")},
		file:         {Data: []byte(text)},
	})
	require.NoError(t, err)
	for _, rule := range rules {
		if rule.name == name {
			return rule.check(tree)
		}
	}
	require.Fail(t, "no rule is called "+name)
	return nil
}

// manyNames declares n exported constants: NA, NB and so on.
func manyNames(n int) string {
	var text strings.Builder
	for i := range n {
		text.WriteString("\tN" + string(rune('A'+i)) + " = 1\n")
	}
	return text.String()
}
