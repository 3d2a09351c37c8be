package bench

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

const readme = "README.md"

var (
	fence      = regexp.MustCompile("(?ms)^```.*?^```")
	link       = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	backticks  = regexp.MustCompile("`([^`\\s]+)`")
	lineNumber = regexp.MustCompile(`:\d+$`)
	testName   = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark|Example)[A-Z_]\w*`)
	pathLetter = regexp.MustCompile(`^[\w./-]+$`)
)

// checkReadmePaths looks at every link that stays in the repository, and at every word in backticks that can only be a
// path of it.
func checkReadmePaths(t *tree) []string {
	text, ok := t.texts[readme]
	if !ok {
		return []string{readme + ": is missing; every path that it names is checked here, so write it"}
	}
	text = fence.ReplaceAllString(text, "")
	var faults []string
	for _, match := range link.FindAllStringSubmatch(text, -1) {
		target, _, _ := strings.Cut(match[1], "#")
		if target != "" && !strings.Contains(target, ":") && !t.hasPath(target) {
			faults = append(faults, noPath(target))
		}
	}
	for _, match := range backticks.FindAllStringSubmatch(text, -1) {
		if word := lineNumber.ReplaceAllString(match[1], ""); t.looksLikePath(word) && !t.hasPath(word) {
			faults = append(faults, noPath(word))
		}
	}
	return faults
}

func noPath(name string) string {
	return readme + ": names " + name + ", which does not exist; correct the name or remove it"
}

// looksLikePath says whether a word must be a path of this repository: one that begins with a name of the top level, or
// ends in .go. An import path, a pattern and a file that git ignores are none.
func (t *tree) looksLikePath(word string) bool {
	first, _, deep := strings.Cut(path.Clean(word), "/")
	switch {
	case !pathLetter.MatchString(word) || strings.Contains(word, "...") || strings.HasPrefix(word, "/"):
		return false
	case t.isIgnored(first):
		return false
	case strings.HasSuffix(word, ".go"):
		return !deep || !strings.Contains(strings.TrimPrefix(first, "."), ".")
	}
	return deep && (slices.Contains(topLevel, first) || strings.HasPrefix(first, "."))
}

// hasPath finds a path from the top; a file name alone may be anywhere.
func (t *tree) hasPath(name string) bool {
	name = path.Clean(name)
	return t.has(name) || !strings.Contains(name, "/") && slices.ContainsFunc(t.paths, func(p string) bool {
		return path.Base(p) == name
	})
}

// checkReadmeTests looks for every test that the README names as a proof.
func checkReadmeTests(t *tree) []string {
	known := map[string]bool{}
	for _, s := range t.sources {
		for _, d := range s.declarations() {
			known[d.ident.Name] = s.test || known[d.ident.Name]
		}
	}
	var faults []string
	for _, name := range testName.FindAllString(t.texts[readme], -1) {
		if !known[name] {
			faults = append(faults, readme+": names the test "+name+", which does not exist; correct the name or remove it")
		}
	}
	return faults
}
