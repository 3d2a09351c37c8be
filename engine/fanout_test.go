package engine_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

func TestFanOutCallsEachOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 5, 100} {
		calls := make([]atomic.Int32, n)
		engine.FanOut(n, func(i int) { calls[i].Add(1) })
		for i := range calls {
			require.Equal(t, int32(1), calls[i].Load(), "call %d of %d", i, n)
		}
	}
}

// All calls are there at the same time: each waits for all others, which would hang if one came after another.
func TestFanOutCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 50
		var here atomic.Int32
		all := make(chan struct{}) // closed by the last call that arrives
		engine.FanOut(n, func(int) {
			if here.Add(1) == n {
				close(all)
			}
			<-all
		})
		require.Equal(t, int32(n), here.Load())
	})
}

// The slowest call decides, wherever it stands; nothing is under way when FanOut returns.
func TestFanOutJoins(t *testing.T) {
	for slow := range 3 {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			var ended atomic.Int32
			engine.FanOut(3, func(i int) {
				if i == slow {
					time.Sleep(time.Second)
				}
				ended.Add(1)
			})
			require.Equal(t, time.Second, time.Since(begin))
			require.Equal(t, int32(3), ended.Load())
		})
	}
}
