package main

import (
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
)

func TestStressCommand(t *testing.T) {
	for _, store := range []string{"memory:", filepath.Join(t.TempDir(), "stress.db")} {
		for _, aggregates := range []string{"1", "50", "5000"} {
			c := orchestrix(t, "", "stress", "--commands", "5000", "--aggregates", aggregates, "--seed", "9", "--store", store, "--json")
			require.Equal(t, 0, c.status, c.err)
			r := c.result(t)
			require.True(t, r.OK)
			require.Equal(t, 5000, r.Accepted)
		}
	}
}

func TestBenchSeedCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("takes three seconds")
	}
	c := orchestrix(t, "", "bench", "seed", "--json")
	require.Equal(t, 0, c.status, c.err)
	var r bench.SeedResult
	require.NoError(t, json.Unmarshal([]byte(c.out), &r, json.RejectUnknownMembers(true)))
	require.Equal(t, 100, r.Messages)
	require.Equal(t, 5, r.Handlers)
	require.Positive(t, r.AsyncMS)
	require.Positive(t, r.SyncMS)
}
