package sqlite_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

// TestMain runs this binary as another process of a test when the environment says so.
func TestMain(m *testing.M) {
	if path := os.Getenv("ORCHESTRIX_SQLITE_CHILD"); path != "" {
		child(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// childWriters is how many goroutines of a child append, each to an aggregate of its own.
const childWriters = 4

// child opens the file, says "open" or why not, and appends until it is killed or its input ends. Each writer says its
// number and the version of its aggregate once that is acknowledged; one more keeps dead letters, and says how many.
func child(path string) {
	store, err := sqlite.Open(noCancel, path, sqlite.Options{})
	if err != nil {
		fmt.Println("refused:", err)
		return
	}
	fmt.Println("open")
	var writers sync.WaitGroup
	for writer := range childWriters {
		writers.Go(func() {
			for version := engine.Version(0); ; {
				batch := make([]engine.Append, 1+int(version%5))
				for i := range batch {
					batch[i] = numbered(childAggregate(os.Getpid(), writer), version+engine.Version(i))
				}
				for _, result := range store.Append(noCancel, batch) {
					if result.Err != nil {
						fmt.Println("failed:", result.Err)
						return
					}
					version = result.Last
				}
				fmt.Println(writer, version) // one write to the pipe, so that lines do not mix
			}
		})
	}
	writers.Go(func() {
		for n := 1; ; n++ {
			if result := store.Append(noCancel, []engine.Append{childLetter(os.Getpid(), n)})[0]; result.Err != nil {
				fmt.Println("failed:", result.Err)
				return
			}
			fmt.Println("letter", n)
		}
	})
	writers.Wait()
}

// childLetter makes the n-th dead letter that a child keeps.
func childLetter(pid, n int) engine.Append {
	a := deadLetter(fmt.Sprint("letters", pid), engine.Waiting)
	a.CommandID = engine.NameID("child", fmt.Sprint(pid, n))
	a.Letter.ID, a.Letter.Command.ID = a.CommandID, a.CommandID
	return a
}

func childAggregate(pid, writer int) string { return fmt.Sprintf("child%d-%d", pid, writer) }

// startChild starts this binary as a child on a file, and gives what it says. The test kills and waits for it.
func startChild(t *testing.T, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ORCHESTRIX_SQLITE_CHILD="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}
