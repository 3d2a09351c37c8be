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

// runChild runs the program in a process of its own until it has said something, and then sends it a signal.
func runChild(t *testing.T, signal os.Signal, args ...string) (status int, said string) {
	t.Helper()
	child := exec.Command(os.Args[0], args...)
	child.Env = append(os.Environ(), childEnv+"=1")
	var out, errs bytes.Buffer
	child.Stdout, child.Stderr = &out, &errs
	require.NoError(t, child.Start())
	time.Sleep(300 * time.Millisecond) // long enough to be in the middle, whenever that is: the run is endless to us
	require.NoError(t, child.Process.Signal(signal))
	err := child.Wait()
	if err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return child.ProcessState.ExitCode(), out.String() + errs.String()
}

// A signal in the middle of a run finishes what was read, judges it, and exits with 130; the same run again goes on.
func TestSignalDrainsAndExits(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		args := []string{"run", "--commands", "3000000", "--seed", "8", "--store", store, "--json"}
		status, said := runChild(t, signal, args...)
		require.Equal(t, exitInterrupted, status, said)
		require.Contains(t, said, `"ok":true`)
		require.Contains(t, said, "run the same commands (--seed 8) again")
		require.False(t, strings.Contains(said, "dead letter"), said)
	}
}
