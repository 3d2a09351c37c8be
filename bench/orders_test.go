package bench_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

func messages(commands, aggregates int, seed uint64) []engine.Message {
	var all []engine.Message
	for cmd := range bench.Orders(commands, aggregates, seed) {
		m := cmd.Message
		m.Time = time.Time{} // the only thing that is not of the seed
		all = append(all, m)
	}
	return all
}

func TestOrdersFollowTheSeed(t *testing.T) {
	first := messages(500, 20, 3)
	require.Len(t, first, 500)
	require.Equal(t, first, messages(500, 20, 3))
	require.NotEqual(t, first, messages(500, 20, 4))
	ids := map[engine.ID]bool{}
	for _, m := range first {
		ids[m.ID] = true
		require.EqualValues(t, 7, m.ID[6]>>4, "a UUIDv7")
		require.EqualValues(t, 2, m.ID[8]>>6)
	}
	require.Len(t, ids, 500)
	require.True(t, slices.IsSortedFunc(first, func(a, b engine.Message) int { return slices.Compare(a.ID[:], b.ID[:]) }))
}

// Whatever the numbers: as many commands as asked for, all of them accepted.
func TestOrdersAreAcceptable(t *testing.T) {
	for _, c := range [][2]int{{0, 5}, {1, 1}, {1, 100}, {7, 2}, {8, 2}, {100, 100}, {1000, 1}, {1000, 333}, {10, 0}, {10, -1}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			var cmds []*engine.Command
			aggregates := map[string]bool{}
			for cmd := range bench.Orders(c[0], c[1], 9) {
				cmds = append(cmds, cmd)
				aggregates[cmd.Subject] = true
			}
			require.Len(t, cmds, c[0])
			require.Len(t, aggregates, min(c[0], max(1, c[1])))
			p, err := pipeline.New(engine.NewRegistry(order.Module{}), sinks.NewStore(memory.New()), pipeline.Options{})
			require.NoError(t, err)
			report, err := p.Run(t.Context(), sources.Slice(cmds))
			require.NoError(t, err)
			require.Equal(t, c[0], report.Accepted)
			require.Equal(t, c[0], report.Events)
		})
	}
}

// A loop over them may break off.
func TestOrdersBreakOff(t *testing.T) {
	n := 0
	for range bench.Orders(1000, 10, 1) {
		if n++; n == 17 {
			break
		}
	}
	require.Equal(t, 17, n)
}
