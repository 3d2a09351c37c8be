package storetest

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// The environment variables that make the long checks longer, or repeatable.
const (
	envSeed       = "ORCHESTRIX_SEED"       // of everything random, rapid's apart
	envHistories  = "ORCHESTRIX_HISTORIES"  // for Linearizable
	envOperations = "ORCHESTRIX_OPERATIONS" // of each of them
	envLong       = "ORCHESTRIX_LONG"       // operations, for LongHistory
	envRefused    = "ORCHESTRIX_REFUSED"    // appends, for Refused
)

// number reads a count from the environment; fallback when it is not set. A value that is no number ends the program, so
// that a long run is never a short one by a slip of the pen.
func number(name string, fallback int) int {
	text, ok := os.LookupEnv(name)
	if !ok || text == "" {
		return fallback
	}
	n, err := strconv.Atoi(strings.ReplaceAll(text, "_", ""))
	if err != nil || n < 1 {
		panic(fmt.Sprintf("storetest: %s is %q, want a number above 0", name, text))
	}
	return n
}

// chosenSeed is the given seed, or when that is 0 the environment's, or one of its own.
func chosenSeed(given uint64) uint64 {
	if given != 0 {
		return given
	}
	return uint64(number(envSeed, int(time.Now().UnixNano())))
}

// repeatWith is the command that runs a test again.
func repeatWith(t reporter, variables, flags string) string {
	name, _, _ := strings.Cut(t.Name(), "/history_") // each has a seed of its own, which makes it the first again
	name = strings.ReplaceAll(name, "/", "$/^")
	pkg := "."
	if info, ok := debug.ReadBuildInfo(); ok {
		pkg = strings.TrimSuffix(info.Path, ".test")
	}
	return strings.TrimSpace(fmt.Sprintf("%s go test %s -count=1 -run '^%s$' %s", variables, pkg, name, flags))
}
