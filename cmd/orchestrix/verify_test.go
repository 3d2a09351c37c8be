package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

func TestVerifyAndBackup(t *testing.T) {
	dir := t.TempDir()
	store, to := filepath.Join(dir, "orders.db"), filepath.Join(dir, "copy.db")
	c := orchestrix(t, "", "run", "--commands", "300", "--aggregates", "10", "--seed", "5", "--store", store)
	require.Equal(t, 0, c.status, c.err)
	c = orchestrix(t, "", "verify", "--store", store)
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "whole: ")
	require.Contains(t, c.out, "300 events of 10 aggregates")

	c = orchestrix(t, "", "backup", "--store", store, "--to", to)
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "300 events")
	require.Equal(t, storedEvents(t, orchestrix(t, "", "events", "--store", store)),
		storedEvents(t, orchestrix(t, "", "events", "--store", to)))
	c = orchestrix(t, "", "backup", "--store", store, "--to", to)
	require.Equal(t, 2, c.status)
	require.Contains(t, c.err, "is there already")

	file, err := os.OpenFile(store, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = file.WriteAt([]byte("damage"), 3*4096+2000)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	c = orchestrix(t, "", "verify", "--store", store)
	require.Equal(t, 1, c.status)
	require.Contains(t, c.out, "DAMAGED: ")
	require.Contains(t, c.out, "page 4 (byte 12288)")
	require.Contains(t, c.out, "go on with a backup")
	c = orchestrix(t, "", "verify", "--store", store, "--json")
	require.Equal(t, 1, c.status)
	var report sqlite.VerifyReport
	require.NoError(t, json.Unmarshal([]byte(c.out), &report), c.out)
	require.NotEmpty(t, report.Faults)
	require.Equal(t, 0, orchestrix(t, "", "verify", "--store", to).status, "the copy is none of the store's business")
}

// The same fault many times takes one line.
func TestVerdictOfManyFaults(t *testing.T) {
	var out strings.Builder
	report := sqlite.VerifyReport{FaultsAll: 7, Faults: []string{"a", "b", "b", "b", "c"}}
	require.NoError(t, printVerdict(&out, "x.db", &report))
	require.Contains(t, out.String(), "x.db has 7 faults")
	require.Contains(t, out.String(), "\n  a\n  b (3 times)\n  c\n  and 2 more\n")
}

func TestBackupBesideARun(t *testing.T) {
	dir := t.TempDir()
	store := filepath.Join(dir, "orders.db")
	run := func(seed, commands string) call {
		return orchestrix(t, "", "run", "--commands", commands, "--aggregates", "10", "--seed", seed, "--store", store)
	}
	require.Equal(t, 0, run("1", "100").status)
	var running sync.WaitGroup
	var second call
	running.Go(func() { second = run("2", "5000") })
	for _, name := range []string{"1.db", "2.db"} {
		c := orchestrix(t, "", "backup", "--store", store, "--to", filepath.Join(dir, name))
		require.Equal(t, 0, c.status, c.err)
	}
	running.Wait()
	require.Equal(t, 0, second.status, second.err)
}

func TestVerifyAndBackupUsage(t *testing.T) {
	for _, args := range [][]string{
		{"verify", "--store", "memory:"},
		{"verify", "--store", filepath.Join(t.TempDir(), "none.db")},
		{"verify", "extra"},
		{"backup", "--store", "memory:", "--to", "x"},
		{"backup", "--store", ""},
		{"backup", "--store", os.Args[0]},
		{"verify", "--store", os.Args[0]},
	} {
		require.Equal(t, 2, orchestrix(t, "", args...).status, args)
	}
}
