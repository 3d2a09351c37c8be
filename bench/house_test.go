package bench

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The house test keeps the shape of the repository: who may import whom, how long a file may get, which names may be
// seen. The rules are the tables of this file; the checks that read them are in house_checks_test.go, the tree that
// they look at in house_tree_test.go. A rule that stands in the way may be changed, but here, in the open.

const module = "github.com/orchestrix-go/orchestrix"

// Limits of one file, one function and one signature.
const (
	maxFileLines     = 400
	maxFunctionLines = 60
	maxParameters    = 4 // besides a context
)

// The promises that the README numbers, from G1 on. A new one gets a line in its table.
const promises = 11

// Modules and packages by the short names that the import table uses.
var packages = map[string]string{
	"engine":     module + "/engine",
	"awake":      module + "/engine/awake",
	"go-streams": "github.com/reugn/go-streams",
	"zap":        "go.uber.org/zap",
	"multierr":   "go.uber.org/multierr", // a part of zap
	"uuid":       "github.com/google/uuid",
	"json":       "github.com/go-json-experiment/json",
	"histogram":  "github.com/HdrHistogram/hdrhistogram-go",
	"sqlite":     "github.com/ncruces/go-sqlite3",
	"sys":        "golang.org/x/sys",
	"testify":    "github.com/stretchr/testify",
	"rate":       "golang.org/x/time",
	"gobreaker":  "github.com/sony/gobreaker/v2",
	"backoff":    "github.com/cenkalti/backoff/v5",
	"rapid":      "pgregory.net/rapid",
	"porcupine":  "github.com/anishathalye/porcupine",
}

// The import table: what the non-test files of a room may import besides the standard library. A folder that is in
// none of these rows may import everything if it is under bench or cmd, and is refused elsewhere.
var imports = map[string][]string{
	"engine":            {"zap", "uuid", "json"},
	"engine/awake":      {},
	"engine/middleware": {"engine", "zap", "rate", "gobreaker", "backoff"},
	"pipeline":          {"engine", "awake", "go-streams", "zap", "histogram"},
	"sources":           {"engine", "go-streams"},
	"sinks":             {"engine", "go-streams", "zap", "json"},
	"sinks/memory":      {"engine", "awake"},
	"sinks/sqlite":      {"engine", "sqlite", "sys", "json"},
	"sinks/storetest":   {"engine", "testify", "rapid", "porcupine"},
	"order":             {"engine"},
}

// The rooms every user compiles, and the only modules that they may bring along.
var (
	coreRooms   = []string{"engine", "pipeline", "sources", "sinks", "order"}
	coreModules = []string{"go-streams", "zap", "multierr", "uuid", "json", "histogram"}
)

// The most exported package-level names a room may have, methods not counted: one screen of go doc. The engine has all
// the words, and with every error, error class, limit, status and fact of the topology among them they are many: it may
// lose some and gain none.
var exportedLimits = map[string]int{
	"engine": 112, "engine/awake": 1, "engine/middleware": 15, "pipeline": 20, "sources": 16, "sinks": 20, "order": 16,
}

// Files with a go statement of their own, and who waits for that goroutine. Everything else uses sync.WaitGroup.Go.
var goStatements = map[string]string{
	"pipeline/dispatch.go":       "the stage after it, as in every go-streams flow: it ends when upstream closes, and then closes",
	"pipeline/pipeline.go":       "await waits; a sink that hangs is left behind, and the error of Run says so",
	"pipeline/crew.go":           "Run waits; a handler that ignores its cancellation is left behind, and the error of Run says so",
	"pipeline/lettersink.go":     "await waits; a sink that hangs is left behind, and the error of Run says so",
	"sinks/func.go":              "AwaitCompletion waits: it ends when the sender closes the inlet",
	"sinks/stream.go":            "AwaitCompletion waits: it ends when the sender closes the inlet",
	"sinks/sqlite/store.go":      "Close waits: it ends when the last request is served and the file is closed",
	"sinks/storetest/waiting.go": "the rule waits, with its patience",
	"sources/ahead.go":           "produce waits; it leaves behind a reader that no context reaches, which ends when that lets go",
	"sources/outlet.go":          "the reader of Out waits: the pump closes it as its last act",
}

// What may be seen at the top level. Names that begin with a dot and names that git ignores are not looked at.
var topLevel = []string{
	"engine", "pipeline", "sinks", "sources", "order", "bench", "cmd",
	"go.mod", "go.sum", "Makefile", "README.md", "LICENSE",
}

// Names that say nothing about what lives there: refused for folders, files and packages.
var bannedNames = []string{"util", "utils", "common", "types", "helpers", "misc", "internal", "pkg"}

// Sequencing is never called order outside the domain. orderRooms may use the word; orderNames are names elsewhere that
// do mean the domain, written as in "sinks.Name".
var (
	orderWord  = regexp.MustCompile(`(?:^(?:re|un)?order|(?:Re|Un)order|Order|ORDER)(?:s|ed|ing|ings|er|ly)?(?:[^a-z]|$)`)
	orderRooms = []string{"order", "bench", "cmd"}
	orderNames = []string{}
)

// A promise nobody can keep over a network. Say "append once per command id, deliver at least once".
var bannedPhrase = regexp.MustCompile(`(?i)\bexactly[-\s/*#>]+` + `once\b`)

// A rule looks at the tree and returns its faults, one line each: where, what, and what to do.
type rule struct {
	name  string
	check func(tree *tree) []string
}

var rules = []rule{
	{"imports follow the table", checkImports},
	{"files are short", checkFileLength},
	{"functions are short", checkFunctionLength},
	{"signatures are small", checkSignatures},
	{"go statements have an owner", checkGoStatements},
	{"names say what lives there", checkBannedNames},
	{"the top level is the agreed one", checkTopLevel},
	{"order is the domain and nothing else", checkOrderWord},
	{"packages have a comment", checkPackageComments},
	{"exported names have a comment", checkDocComments},
	{"rooms fit on one screen", checkExportedCount},
	{"paths in the README exist", checkReadmePaths},
	{"tests in the README exist", checkReadmeTests},
	{"promises in the README have a proof", checkReadmePromises},
	{"no promise that cannot be kept", checkPhrase},
}

func TestHouse(t *testing.T) {
	tree, err := loadTree(os.DirFS(".."))
	require.NoError(t, err)
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			report(t, rule.check(tree))
		})
	}
	t.Run("core rooms bring along only the agreed modules", func(t *testing.T) {
		report(t, checkModules(t))
	})
}

func report(t *testing.T, faults []string) {
	t.Helper()
	slices.Sort(faults)
	for _, fault := range slices.Compact(faults) {
		t.Error(fault)
	}
}

// checkModules asks the go command, because an import of an import counts too.
func checkModules(t *testing.T) []string {
	args := []string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}"}
	for _, room := range coreRooms {
		args = append(args, "./"+room)
	}
	list := exec.CommandContext(t.Context(), "go", args...)
	list.Dir = ".."
	var stderr strings.Builder
	list.Stderr = &stderr
	stdout, err := list.Output()
	require.NoError(t, err, "go %s\n%s", strings.Join(args, " "), &stderr)
	return unagreedModules(strings.Fields(string(stdout)))
}

func unagreedModules(paths []string) []string {
	agreed := map[string]bool{module: true}
	for _, name := range coreModules {
		agreed[packages[name]] = true
	}
	var faults []string
	for _, path := range paths {
		if !agreed[path] {
			faults = append(faults, "core rooms: compile "+path+", which is none of the agreed modules; "+
				"do without it or move its user to a folder of its own")
		}
	}
	return faults
}

// sorted names a table's keys in one sequence, so that a failure reads the same every time.
func sorted[V any](table map[string]V) []string {
	return slices.Sorted(maps.Keys(table))
}
