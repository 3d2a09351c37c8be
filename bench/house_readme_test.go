package bench

import (
	"fmt"
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
	testLink   = regexp.MustCompile(`\[((?:Test|Fuzz)[A-Z_]\w*)\]\(([^()\s]+_test\.go)\)`)
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

// checkReadmePromises looks at the table of promises: each has its line, and a link to a test where that test is. Other
// links may stand beside it.
func checkReadmePromises(t *tree) []string {
	rows := map[string]string{}
	for line := range strings.Lines(t.texts[readme]) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			rows[strings.TrimSpace(cells[1])] += line
		}
	}
	var faults []string
	for i := range promises {
		name := fmt.Sprint("G", i+1)
		row, ok := rows[name]
		if !ok {
			faults = append(faults, readme+": has no line for the promise "+name+"; the table must name G1 to "+
				fmt.Sprint("G", promises))
			continue
		}
		proofs := testLink.FindAllStringSubmatch(row, -1)
		if len(proofs) == 0 {
			faults = append(faults, readme+": "+name+" has no proof; link a test as [TestName](path/x_test.go)")
		}
		for _, proof := range proofs {
			if !t.declares(path.Clean(proof[2]), proof[1]) {
				faults = append(faults, readme+": "+name+" is proved by "+proof[1]+", which is not in "+proof[2]+
					"; correct the link")
			}
		}
	}
	return faults
}

// declares says whether a file has a function of that name.
func (t *tree) declares(file, name string) bool {
	return slices.ContainsFunc(t.sources, func(s *source) bool {
		return s.path == file && slices.ContainsFunc(s.declarations(), func(d declared) bool {
			return d.ident.Name == name && d.kind != nil && !d.isMethod()
		})
	})
}
