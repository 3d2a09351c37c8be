package bench_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// Interleaved producers, handlers that wait out of turn: the store must read back in sequence.
func TestStress(t *testing.T) {
	for _, aggregates := range []int{1, 100, 5000} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("aggregates=%d/seed=%d", aggregates, seed), func(t *testing.T) {
				result, err := bench.Stress(context.Background(), memory.New(), bench.StressOptions{
					Commands: 5000, Aggregates: aggregates, Seed: seed,
				})
				require.NoError(t, err)
				require.True(t, result.OK, "%+v", result)
				require.Equal(t, 5000, result.Accepted)
				require.Equal(t, 5000, result.Events)
				require.Equal(t, aggregates, result.Aggregates)
			})
		}
	}
}
