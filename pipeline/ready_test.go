package pipeline

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is pushed, put back and taken, in whatever sequence, the queue gives what a list would.
func TestReadyQueue(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var q readyQueue
	var want []*lane
	empty, longest := 0, 0
	for step := range 20_000 {
		action := rng.IntN(3)
		if step/500%2 == 1 {
			action = rng.IntN(6) // more are taken than put, until none is left
		}
		switch l := new(lane); {
		case action == 0:
			q.push(l)
			want = append(want, l)
		case action == 1:
			q.unpop(l)
			want = slices.Insert(want, 0, l)
		case len(want) == 0:
			empty++
		default:
			require.Same(t, want[0], q.front())
			require.Same(t, want[0], q.pop())
			want = want[1:]
		}
		require.Equal(t, len(want), q.length)
		longest = max(longest, q.length)
	}
	require.Greater(t, empty, 100, "it was empty often")
	require.Greater(t, longest, 128, "it has grown twice")
	for _, l := range want {
		require.Same(t, l, q.pop())
	}
	require.Zero(t, q.length)
	for _, l := range q.ring {
		require.Nil(t, l, "a lane that was taken is not kept")
	}
}
