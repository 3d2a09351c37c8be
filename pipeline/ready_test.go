package pipeline

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is pushed, put back and taken, in whatever sequence, the queue gives what a list would.
func TestReadyQueue(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var q readyQueue
	var want []*lane
	require.Nil(t, q.head())
	for step := range 10_000 {
		put, l := rng.IntN(3), new(lane)
		if step/200%2 == 1 {
			put = rng.IntN(2) * 2 // less is put than taken
		}
		switch {
		case put == 0:
			q.push(l)
			want = append(want, l)
		case put == 1:
			q.unpop(l)
			want = append([]*lane{l}, want...)
		case len(want) > 0:
			require.Same(t, want[0], q.head())
			require.Same(t, want[0], q.pop())
			want = want[1:]
		}
		require.Equal(t, len(want), q.length)
	}
	require.Greater(t, len(q.ring), 64, "the ring has grown")
	for range want {
		q.pop()
	}
	require.Nil(t, q.head())
	for _, l := range q.ring {
		require.Nil(t, l, "a lane that was taken is not kept")
	}
}
