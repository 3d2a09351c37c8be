package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
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

// take gives the one turn of a new worker's row, or nil when the lanes are closed.
func take(ls *lanes) *turn {
	at := new(post)
	if !ls.take(at) {
		return nil
	}
	turn, _ := at.next()
	return turn
}

// finish lets the lane of a turn go; all commands but the last again of them have ended.
func finish(ls *lanes, t *turn, again int, pause time.Duration) {
	ended := len(t.taken) - again
	for _, task := range t.taken[:ended] {
		task.cmd = nil
	}
	t.again, t.pause = append(t.again, t.taken[ended:]...), pause
	ls.finish(t)
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
	pop := func(n int) []*task {
		head, popped := l.pop(n)
		turn := &turn{chain: head}
		turn.unroll()
		require.Len(t, turn.taken, popped)
		return turn.taken
	}
	for i := range uint64(5) {
		l.push(&task{ticket: i})
	}
	taken := pop(3)
	require.Equal(t, []uint64{0, 1, 2}, tickets(taken))
	l.unpop(taken[1:])
	l.push(&task{ticket: 5})
	require.Equal(t, []uint64{1, 2, 3, 4, 5}, tickets(pop(9)))
	require.Nil(t, l.head)
	require.Nil(t, l.tail)
	l.unpop(taken)
	l.push(&task{ticket: 6})
	require.Equal(t, []uint64{0, 1, 2, 6}, tickets(pop(4)))
	require.Empty(t, pop(1))
	require.Zero(t, l.queued)
}

// The lane that is ready longest is taken first, with a batch; it goes to the end of the row when it has more.
func TestLanesAreTakenInTurn(t *testing.T) {
	ls := newLanes(2, 0, 100)
	admit(ls, "a", "b", "a", "a", "c")
	for _, want := range []struct {
		id      string
		tickets []uint64
	}{{"a", []uint64{1, 3}}, {"b", []uint64{2}}, {"c", []uint64{5}}, {"a", []uint64{4}}} {
		turn := take(ls)
		require.Equal(t, want.id, turn.lane.id)
		require.Equal(t, want.tickets, tickets(turn.taken))
		finish(ls, turn, 0, 0)
	}
	require.Empty(t, ls.byID, "a lane without state is freed when it is empty")
}

// A worker that never waits takes twice as many lanes each time, but leaves the others their share; one that steps aside
// gives back what it has not begun, in its place.
func TestRowsGrow(t *testing.T) {
	ls := newLanes(100, 0, 2)
	for i := range 40 {
		admit(ls, fmt.Sprint(i))
	}
	at := new(post)
	var lengths, seen []int
	for len(seen) < 20 {
		require.True(t, ls.take(at))
		lengths = append(lengths, len(at.row))
		for turn, _ := at.next(); turn != nil; turn, _ = at.next() {
			number, _ := strconv.Atoi(turn.lane.id)
			seen = append(seen, number)
			finish(ls, turn, 0, 0)
		}
	}
	require.Equal(t, []int{1, 2, 4, 8, 13}, lengths, "the last is half of the 25 that are left")

	require.True(t, ls.take(at))
	first, _ := at.next()
	require.Equal(t, "28", first.lane.id)
	ls.aside(at)
	require.Empty(t, at.row)
	require.Equal(t, "29", take(ls).lane.id)
	require.Equal(t, 10, ls.ready.length)
}

// A worker that does not get on loses what others can do, and does not count any more.
func TestOverdue(t *testing.T) {
	ls := newLanes(100, 0, 1)
	ls.greed = 8
	admit(ls, "a", "b", "c")
	at, other := new(post), new(post)
	posts := []*post{at, other}
	require.True(t, ls.take(at))
	stuck, _ := at.next()
	late, active := ls.overdue(posts)
	require.Empty(t, late)
	require.True(t, active, "it has taken a row since the beginning")
	late, active = ls.overdue(posts)
	require.Equal(t, []*post{at}, late)
	require.False(t, active)
	require.Zero(t, ls.running)
	require.Empty(t, at.row)
	late, _ = ls.overdue(posts)
	require.Empty(t, late, "it is told once")

	require.True(t, ls.take(other), "though only one may run")
	require.Equal(t, "b", other.row[0].lane.id)
	finish(ls, stuck, 0, 0)
}

// While a lane is held nobody takes it; what comes back goes ahead of what came meanwhile.
func TestLaneIsHeld(t *testing.T) {
	ls := newLanes(10, 0, 100)
	admit(ls, "a", "a")
	turn := take(ls)
	admit(ls, "a")
	require.Zero(t, ls.ready.length)
	finish(ls, turn, 1, 0)
	require.Equal(t, []uint64{2, 3}, tickets(take(ls).taken))
}

func TestLaneRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ls := newLanes(10, 0, 100)
		admit(ls, "a")
		turn := take(ls)
		begin := time.Now()
		finish(ls, turn, 1, time.Second)
		admit(ls, "a")
		turn = take(ls)
		require.Equal(t, time.Second, time.Since(begin))
		require.Equal(t, []uint64{1, 2}, tickets(turn.taken))
	})
}

// Idle lanes with a state are kept, those used last; the others are freed.
func TestLanesKept(t *testing.T) {
	ls := newLanes(1, 2, 100)
	use := func(id string, known bool) *lane {
		admit(ls, id)
		turn := take(ls)
		l, kept := turn.lane, turn.lane.aggregate != nil
		require.Equal(t, known, kept, id)
		l.aggregate = stateful{}
		finish(ls, turn, 0, 0)
		return l
	}
	a, _ := use("a", false), use("b", false)
	require.Same(t, a, use("a", true))
	c := use("c", false) // b is idle longest
	require.Equal(t, map[string]*lane{"a": a, "c": c}, ls.byID)
	use("b", false) // its lane may be the one that it had, but it is as new
	require.Len(t, ls.byID, 2)
	require.Equal(t, 2, ls.idleSize)

	admit(ls, "c") // in use: not among the idle ones
	require.Equal(t, 1, ls.idleSize)
	turn := take(ls)
	turn.lane.forget()
	finish(ls, turn, 0, 0)
	require.NotContains(t, ls.byID, "c")
}

func TestLanesClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ls := newLanes(1, 0, 100)
		ls.staff(nil, func(*post) {})
		ls.most = 100
		var ended atomic.Int32
		for range 3 {
			go func() {
				for turn := take(ls); turn != nil; turn = take(ls) {
					finish(ls, turn, 0, 0)
				}
				ended.Add(1)
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

// Many workers, random rows, holding times and returns; some step aside, some turns go on without the worker until another
// one goes on with them, or to their end: each aggregate's tickets stay in sequence, one holder at a time, no turn is lost
// or taken twice, no ready lane is ever left without a worker while workers wait, no more lanes are under way than may be, and
// in the end nobody counts any more.
func TestLanesUnderLoad(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			ls := newLanes(1+rng.IntN(5), rng.IntN(3), 1+rng.IntN(4))
			ls.patient = rng.IntN(2) == 0
			load := &lanesUnderLoad{
				T: t, lanes: ls, seed: seed,
				last: map[string]uint64{}, holders: map[string]int{}, gone: map[string]bool{},
			}
			for range 1 + rng.IntN(8) {
				load.posts = append(load.posts, new(post))
			}
			ls.staff(slices.Clone(load.posts), func(at *post) { go load.work(at, rand.New(rand.NewPCG(seed, load.hired.Add(1)))) })
			for i := range 100 {
				admit(ls, fmt.Sprint(rng.IntN(9)), fmt.Sprint(rng.IntN(9)))
				time.Sleep(time.Duration(rng.IntN(300)))
				if rng.IntN(3) == 0 {
					ls.overdue(load.posts)
				}
				if seed%4 == 0 && i == 90 {
					ls.close() // what comes later is taken all the same
				}
			}
			time.Sleep(time.Second)
			synctest.Wait()
			require.Equal(t, 200, load.taken, "seed %d", seed)
			ls.close()
			synctest.Wait()
			require.Len(t, ls.vacant, len(load.posts), "seed %d", seed)
			require.Empty(t, ls.joined, "seed %d", seed)
			require.Equal(t, [4]int{}, [4]int{ls.running, ls.away, ls.waiting, ls.woken}, "seed %d", seed)
		})
	}
}

type lanesUnderLoad struct {
	*testing.T
	lanes *lanes
	posts []*post
	seed  uint64
	hired atomic.Uint64

	mu      sync.Mutex
	last    map[string]uint64
	holders map[string]int
	gone    map[string]bool // lanes whose turn goes on without a worker
	taken   int
}

func (load *lanesUnderLoad) work(at *post, rng *rand.Rand) {
	for load.lanes.take(at) {
		for turn, _ := at.next(); turn != nil; turn, _ = at.next() {
			load.hold(turn, 1)
			again := rng.IntN(len(turn.taken) + 1) // so many come back
			pause := time.Duration(rng.IntN(2) * rng.IntN(500))
			long := time.Duration(rng.IntN(1000))
			switch n := rng.IntN(8); {
			case n < 2 && !turn.joined: // its handlers go on, in an outing from the beginning or when they were given away
				load.letGo(turn)
				if n == 0 {
					load.lanes.depart(at)
				} else {
					load.lanes.leave(at)
				}
				go func() {
					time.Sleep(long)
					load.lanes.rejoin(turn)
				}()
				continue
			case n == 2: // its decider does not return
				load.lanes.leave(at)
				go func() {
					time.Sleep(long)
					load.end(turn, again, pause)
					load.lanes.back()
				}()
				continue
			case n < 5:
				load.lanes.aside(at)
			}
			time.Sleep(long)
			load.end(turn, again, pause)
		}
	}
}

// hold counts those who have the lane of a turn.
func (load *lanesUnderLoad) hold(turn *turn, n int) {
	load.mu.Lock()
	defer load.mu.Unlock()
	id := turn.lane.id
	load.holders[id] += n
	require.Equal(load, max(n, 0), load.holders[id], "seed %d", load.seed)
	if n > 0 {
		delete(load.gone, id)
		load.lanes.mu.Lock()
		closed := load.lanes.closed // then there is no such bound
		load.lanes.mu.Unlock()
		under := len(load.gone)
		for _, held := range load.holders {
			under += held
		}
		require.True(load, closed || under <= len(load.posts), "seed %d: %d lanes are under way", load.seed, under)
	}
}

// letGo says that the turn goes on without a worker.
func (load *lanesUnderLoad) letGo(turn *turn) {
	load.hold(turn, -1)
	load.mu.Lock()
	defer load.mu.Unlock()
	load.gone[turn.lane.id] = true
}

// end ends all commands of a turn but the last again of them.
func (load *lanesUnderLoad) end(turn *turn, again int, pause time.Duration) {
	id := turn.lane.id
	load.mu.Lock()
	for _, task := range turn.taken[:len(turn.taken)-again] {
		require.Greater(load, task.ticket, load.last[id], "seed %d", load.seed)
		load.last[id] = task.ticket
		load.taken++
	}
	load.mu.Unlock()
	load.hold(turn, -1)
	finish(load.lanes, turn, again, pause)
}
