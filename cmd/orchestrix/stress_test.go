package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
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
