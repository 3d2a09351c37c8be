//go:build unix

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childEnv makes this test binary the program itself.
const childEnv = "ORCHESTRIX_MAIN"

// startChild runs the program in a process of its own, and returns once it is writing to the store. What it says is there
// when it has ended.
func startChild(t *testing.T, store string, args ...string) (child *exec.Cmd, said *bytes.Buffer) {
	t.Helper()
	child, said = newChild(args...)
	require.NoError(t, child.Start())
	t.Cleanup(func() { _ = child.Process.Kill() })
	require.Eventually(t, func() bool {
		log, err := os.Stat(store + "-wal")
		return err == nil && log.Size() > 1<<20
	}, time.Minute, 5*time.Millisecond, "the run does not write")
	return child, said
}

func newChild(args ...string) (child *exec.Cmd, said *bytes.Buffer) {
	child, said = exec.Command(os.Args[0], args...), &bytes.Buffer{}
	child.Env = append(os.Environ(), childEnv+"=1")
	child.Stdout, child.Stderr = said, said
	return child, said
}

// runChild runs the program in a process of its own, sends it a signal once it is writing to the store, and gives its exit
// status and what it printed.
func runChild(t *testing.T, signal os.Signal, store string, args ...string) (status int, said string) {
	t.Helper()
	child, out := startChild(t, store, args...)
	require.NoError(t, child.Process.Signal(signal))
	if err := child.Wait(); err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return child.ProcessState.ExitCode(), out.String()
}

// A signal in the middle of a run finishes what was read, judges it, and exits with 130; the same run again goes on.
func TestSignalDrainsAndExits(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		args := []string{"run", "--commands", "3000000", "--seed", "8", "--store", store, "--json"}
		status, said := runChild(t, signal, store, args...)
		require.Equal(t, exitInterrupted, status, said)
		require.Contains(t, said, `"ok":true`)
		require.Contains(t, said, "run the same commands (--seed 8) again")
		require.False(t, strings.Contains(said, "dead letter"), said)
	}
}

// A signal at any moment of a run under full load, and then the same input again: every command is accepted once and none is
// lost. SIGTERM drains, SIGKILL does not ask. ORCHESTRIX_CYCLES is how often.
func TestSignalAtAnyMoment(t *testing.T) {
	cycles := 4
	if n := os.Getenv("ORCHESTRIX_CYCLES"); n != "" {
		var err error
		cycles, err = strconv.Atoi(n)
		require.NoError(t, err)
	}
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	folder := t.TempDir()
	input := filepath.Join(folder, "orders.jsonl")
	const commands, aggregates = 8000, 300
	lines := orderLines(t, commands, aggregates)
	require.NoError(t, os.WriteFile(input, []byte(lines), 0o600))
	longest := time.Second // about what a run takes: the signals are spread over it
	interrupted := 0
	for cycle := 0; interrupted < cycles; cycle++ {
		says := fmt.Sprintf("seed %d, cycle %d", seed, cycle)
		store := filepath.Join(folder, fmt.Sprint("orders-", cycle, ".db"))
		args := []string{"run", "--in", input, "--store", store, "--json"}
		signal, moment := []os.Signal{syscall.SIGTERM, syscall.SIGKILL}[cycle%2], time.Duration(rng.Int64N(int64(longest)))
		child, said := newChild(args...)
		began := time.Now()
		require.NoError(t, child.Start())
		ended := time.AfterFunc(moment, func() { _ = child.Process.Signal(signal) })
		_ = child.Wait()
		ended.Stop()
		switch status := child.ProcessState.ExitCode(); {
		case status == 0:
			longest = time.Since(began) // it was done before the signal
			continue
		case signal == syscall.SIGTERM && status == exitInterrupted:
			interrupted++
		default:
			require.Equal(t, -1, status, "%s: %s", says, said) // killed, or before it listens to signals
			interrupted++
		}
		longest += longest / 8
		c := orchestrix(t, "", args...)
		require.Equal(t, 0, c.status, "%s: %s", says, c.err)
		r := c.result(t)
		require.True(t, r.OK, says)
		require.Equal(t, []int{commands, commands}, []int{r.Commands, r.Accepted}, says)
		checkAgainstInput(t, lines, storedEvents(t, orchestrix(t, "", "events", "--store", store)))
		require.NoFileExists(t, store+".dead.jsonl")
		for _, file := range []string{store, store + "-wal", store + "-shm"} {
			_ = os.Remove(file)
		}
	}
}
