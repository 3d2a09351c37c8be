package pipeline

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// A worker that gathers goes on as long as one lane gets more, and has less than a batch.
func TestGathers(t *testing.T) {
	ls := newLanes(3, 0, 1)
	require.False(t, ls.gathers(0), "nobody came")
	for n, want := range []bool{true, true, false} {
		ls.enter(0, nil, engine.NewCommand("a", 0))
		require.Equal(t, want, ls.gathers(uint64(n)), "%d for one lane", n+1)
		require.False(t, ls.gathers(uint64(n+1)), "nobody came since")
	}
	ls = newLanes(3, 0, 1)
	ls.enter(0, nil, engine.NewCommand("a", 0))
	ls.joined = append(ls.joined, newTurn())
	require.False(t, ls.gathers(0), "a turn goes on")
	ls.joined = nil
	ls.enter(0, nil, engine.NewCommand("b", 0))
	require.False(t, ls.gathers(0), "two lanes")
}

// A worker that goes on with turns lets handlers return first that are about to; while they compute instead, it does not.
func TestGatherOfTurns(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // who is ready runs when the worker yields, nearly always
	ls := newLanes(3, 0, 1)
	ls.mu.Lock()
	defer ls.mu.Unlock()
	gatherBeside := func(run func()) (turns int) {
		ls.joined = []*turn{newTurn()}
		var other sync.WaitGroup
		other.Go(run)
		ls.gather()
		turns = len(ls.joined)
		ls.mu.Unlock()
		other.Wait()
		ls.mu.Lock()
		return turns
	}
	returns := func() { ls.rejoin(&turn{lane: new(lane)}) }
	computes := func() {
		for began := time.Now(); time.Since(began) < 2*longYield; {
		}
	}
	for tries := 0; gatherBeside(returns) == 1; tries++ {
		require.Less(t, tries, 100)
	}
	for tries := 0; ls.hasty == 0; tries++ {
		require.Less(t, tries, 100)
		gatherBeside(computes)
	}
	require.Equal(t, hastyGathers, ls.hasty)
	require.Equal(t, 1, gatherBeside(returns), "it does not yield")
	require.Equal(t, hastyGathers-1, ls.hasty)
	ls.joined = nil
	ls.gather()
	require.Equal(t, hastyGathers-1, ls.hasty, "there was nothing to gather for")
}

// A lane that becomes ready while a worker lets handlers run first gets another worker, and one that is ready before is not
// made to wait.
func TestGatherHoldsUpNoLane(t *testing.T) {
	ls := newLanes(3, 0, 2)
	ls.most = 2
	ls.waiting, ls.woken, ls.yielding = 1, 1, 1
	ls.joined = []*turn{newTurn()}
	ls.signal()
	require.Equal(t, 1, ls.woken, "who lets handlers run first takes their turns")
	ls.enter(0, nil, engine.NewCommand("a", 0))
	require.Equal(t, 2, ls.woken)
	ls.enter(0, nil, engine.NewCommand("b", 0))
	require.Equal(t, 2, ls.woken, "somebody is on the way")

	ls.hasty = 1
	ls.gather()
	require.Equal(t, 1, ls.hasty, "a lane is ready: there is no yield to leave out")
}

// A row ends with the lane that brings it to its batches of commands.
func TestRowEndsWithItsBatches(t *testing.T) {
	const batch = 2
	ls := newLanes(batch, 0, 1)
	ls.greed = longestRow
	for n := range rowBatches*batch - 1 {
		admit(ls, fmt.Sprint("small", n))
	}
	admit(ls, "large", "large", "large", "behind")
	at := new(post)
	require.True(t, ls.take(at))
	require.Len(t, at.row, rowBatches*batch)
	require.Len(t, at.row[len(at.row)-1].taken, batch)
	require.Equal(t, "behind", ls.ready.front().id)
}
