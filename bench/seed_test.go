package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeedStudy(t *testing.T) {
	studies, err := seedOf(t.Context(), Effort{Runs: 1}, 4)
	require.NoError(t, err)
	require.Len(t, studies, 1)
	s := studies[0]
	requireStudy(t, s, 5)
	require.True(t, s.Less)
	require.Len(t, s.Checks, 2)
	require.GreaterOrEqual(t, s.Row(seedOne).Median(), 1.0, "a wait of 1 ms takes that long at least")
	require.GreaterOrEqual(t, s.Row(seedSync).Median(), 20.0, "one by one the waits add up")
	require.GreaterOrEqual(t, s.Row(seedAsync).Median(), 1.0)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Seed(ctx, Effort{})
	require.ErrorIs(t, err, context.Canceled)
}
