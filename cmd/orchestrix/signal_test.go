//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childEnv makes this test binary the program itself.
const childEnv = "ORCHESTRIX_MAIN"

// runChild runs the program in a process of its own, sends it a signal once it is writing to the store, and gives its exit
// status and what it printed.
func runChild(t *testing.T, signal os.Signal, store string, args ...string) (status int, said string) {
	t.Helper()
	child := exec.Command(os.Args[0], args...)
	child.Env = append(os.Environ(), childEnv+"=1")
	var out, errs bytes.Buffer
	child.Stdout, child.Stderr = &out, &errs
	require.NoError(t, child.Start())
	require.Eventually(t, func() bool {
		log, err := os.Stat(store + "-wal")
		return err == nil && log.Size() > 1<<20
	}, time.Minute, 5*time.Millisecond, "the run does not write")
	require.NoError(t, child.Process.Signal(signal))
	if err := child.Wait(); err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return child.ProcessState.ExitCode(), out.String() + errs.String()
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
