package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// stateful is a state that lanes keep.
type stateful struct{}

func (stateful) Decide(context.Context, string, *engine.Command, any) ([]any, error) { return nil, nil }
func (stateful) Evolve(string, any) error                                            { return nil }

// admit enters a command for each aggregate.
func admit(ls *lanes, aggregates ...string) {
	for _, a := range aggregates {
		ls.enter(0, nil, engine.NewCommand(a, nil))
	}
}

func tickets(tasks []*task) []uint64 {
	var all []uint64
	for _, t := range tasks {
		all = append(all, t.ticket)
	}
	return all
}

func TestLanePushPopUnpop(t *testing.T) {
	l := &lane{}
	for i := range uint64(5) {
		l.push(&task{ticket: i})
	}
	taken := l.pop(3, nil)
	require.Equal(t, []uint64{0, 1, 2}, tickets(taken))
	l.unpop(taken[1:])
	l.push(&task{ticket: 5})
	require.Equal(t, []uint64{1, 2, 3, 4, 5}, tickets(l.pop(9, nil)))
	require.Nil(t, l.head)
	require.Nil(t, l.tail)
	l.unpop(taken)
	l.push(&task{ticket: 6})
	require.Equal(t, []uint64{0, 1, 2, 6}, tickets(l.pop(9, nil)))
}

// The lane that is ready longest is taken first, with a batch; it goes to the end of the row when it has more.
func TestLanesAreTakenInTurn(t *testing.T) {
	ls := newLanes(2, 0, 100)
	admit(ls, "a", "b", "a", "a", "c")
	for _, want := range []struct {
		id      string
		tickets []uint64
	}{{"a", []uint64{1, 3}}, {"b", []uint64{2}}, {"c", []uint64{5}}, {"a", []uint64{4}}} {
		l, tasks := ls.take(new(post), nil)
		require.Equal(t, want.id, l.id)
		require.Equal(t, want.tickets, tickets(tasks))
		ls.finish(l, nil, nil, 0)
	}
	require.Empty(t, ls.byID, "a lane without state is freed when it is empty")
}

// While a lane is held nobody takes it; what comes back goes ahead of what came meanwhile.
func TestLaneIsHeld(t *testing.T) {
	ls := newLanes(10, 0, 100)
	admit(ls, "a", "a")
	l, tasks := ls.take(new(post), nil)
	admit(ls, "a")
	require.Nil(t, ls.ready.head)
	ls.finish(l, tasks, tasks[1:], 0)
	_, tasks = ls.take(new(post), nil)
	require.Equal(t, []uint64{2, 3}, tickets(tasks))
}

func TestLaneRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ls := newLanes(10, 0, 100)
		admit(ls, "a")
		l, tasks := ls.take(new(post), nil)
		begin := time.Now()
		ls.finish(l, tasks, tasks, time.Second)
		admit(ls, "a")
		_, tasks = ls.take(new(post), nil)
		require.Equal(t, time.Second, time.Since(begin))
		require.Equal(t, []uint64{1, 2}, tickets(tasks))
	})
}

// Idle lanes with a state are kept, those used last; the others are freed.
func TestLanesKept(t *testing.T) {
	ls := newLanes(1, 2, 100)
	use := func(id string) *lane {
		admit(ls, id)
		l, _ := ls.take(new(post), nil)
		l.aggregate = stateful{}
		ls.finish(l, nil, nil, 0)
		return l
	}
	a, b := use("a"), use("b")
	require.Same(t, a, use("a"))
	c := use("c") // b is idle longest
	require.Equal(t, map[string]*lane{"a": a, "c": c}, ls.byID)
	require.NotSame(t, b, use("b"))
	require.Len(t, ls.byID, 2)
	require.Equal(t, 2, ls.idleSize)

	admit(ls, "c") // in use: not among the idle ones
	require.Equal(t, 1, ls.idleSize)
	l, _ := ls.take(new(post), nil)
	l.forget()
	ls.finish(l, nil, nil, 0)
	require.NotContains(t, ls.byID, "c")
}

func TestLanesClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ls := newLanes(1, 0, 100)
		var ended atomic.Int32
		for range 3 {
			go func() {
				for {
					l, _ := ls.take(new(post), nil)
					if l == nil {
						ended.Add(1)
						return
					}
					ls.finish(l, nil, nil, 0)
				}
			}()
		}
		synctest.Wait()
		admit(ls, "a", "b", "c", "d", "a")
		ls.close()
		synctest.Wait()
		require.EqualValues(t, 3, ended.Load())
		require.Empty(t, ls.byID, "what is ready is taken before the end")
	})
}

// Many workers, random holding times and returns: each aggregate's tickets stay in sequence, one holder at a time, and no
// ready lane is ever left without a worker while workers wait.
func TestLanesUnderLoad(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			ls := newLanes(1+rng.IntN(5), rng.IntN(3), 1+rng.IntN(9))
			last, holders, taken := map[string]uint64{}, map[string]int{}, 0
			for range 1 + rng.IntN(8) {
				mine := rand.New(rand.NewPCG(seed, rng.Uint64()))
				go func() {
					at := new(post)
					for l, tasks := ls.take(at, nil); l != nil; l, tasks = ls.take(at, nil) {
						ls.mu.Lock()
						holders[l.id]++
						require.Equal(t, 1, holders[l.id], "seed %d", seed)
						ls.mu.Unlock()
						time.Sleep(time.Duration(mine.IntN(1000)))
						done := mine.IntN(len(tasks) + 1) // the others come back
						ls.mu.Lock()
						for _, task := range tasks[:done] {
							require.Greater(t, task.ticket, last[l.id], "seed %d", seed)
							last[l.id] = task.ticket
							taken++
						}
						holders[l.id]--
						ls.mu.Unlock()
						ls.finish(l, tasks, tasks[done:], time.Duration(mine.IntN(2)*mine.IntN(500)))
					}
				}()
			}
			for range 100 {
				admit(ls, fmt.Sprint(rng.IntN(5)), fmt.Sprint(rng.IntN(5)))
				time.Sleep(time.Duration(rng.IntN(300)))
			}
			time.Sleep(time.Second)
			synctest.Wait()
			require.Equal(t, 200, taken, "seed %d", seed)
			ls.close()
		})
	}
}
