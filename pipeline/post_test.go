package pipeline

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// inlineCalls gives n calls of a handler that run inline at a post, none of which is taken yet, and counts those that ran.
func inlineCalls(n int) (at *post, cs *calls, ran *atomic.Int32) {
	ran = new(atomic.Int32)
	registry := engine.NewRegistry()
	engine.OnCommand(registry, "ping", "count", func(context.Context, *engine.Command, int) ([]any, error) {
		ran.Add(1)
		return nil, nil
	})
	cmd := engine.NewCommand("a", 0)
	route, _ := registry.Route(cmd)
	pace := newPace(1)
	pace.verdict.Store(quick)
	p := &Pipeline{meter: newMeter(), options: Options{HandlerTimeout: -1}}
	at = newLookout(&shift{p: p, work: context.Background()}, 1).posts[0]
	g := new(guard)
	g.init(at.lookout)
	t := &turn{p: p}
	cs = &t.calls
	cs.ctx, cs.turn = g.context(), t
	for range n {
		cs.list = append(cs.list, call{task: &task{cmd: cmd, data: 0, route: route, pace: pace}, handler: &route.Handlers[0]})
	}
	at.enter(cs)
	return at, cs, ran
}

// A call is overdue when it was running at the look before too.
func TestSpread(t *testing.T) {
	at, cs, ran := inlineCalls(3)
	quick := func() bool { return cs.list[0].task.pace.quick() }
	require.NotNil(t, cs.take())
	at.spread()
	require.True(t, quick(), "it may have begun just now")
	at.spread()
	for cs.outing.open.Load() > 1 { // the worker's own
		runtime.Gosched()
	}
	require.False(t, quick())
	require.EqualValues(t, 2, ran.Load(), "those that nobody had")
	require.Nil(t, cs.take())
	at.spread()
	at.leave()
	at.spread()
	require.EqualValues(t, 2, ran.Load())
}

// The last call has nothing behind it, but its route waits all the same.
func TestSpreadTheLastCall(t *testing.T) {
	at, cs, ran := inlineCalls(1)
	require.NotNil(t, cs.take())
	at.spread()
	at.spread()
	require.False(t, cs.list[0].task.pace.quick())
	require.Zero(t, ran.Load())
}

// Calls that have all ended, while their worker is about to leave, are nobody's delay.
func TestSpreadWhenAllHaveEnded(t *testing.T) {
	at, cs, _ := inlineCalls(1)
	require.NotNil(t, cs.take())
	require.Nil(t, cs.take())
	at.spread()
	at.spread()
	require.True(t, cs.list[0].task.pace.quick())
}

// A look in the moment between the begin and the first call says nothing about the handlers.
func TestSpreadBeforeTheFirstCall(t *testing.T) {
	at, cs, ran := inlineCalls(3)
	at.spread()
	require.Nil(t, cs.outing)
	require.True(t, cs.list[0].task.pace.quick())
	require.Zero(t, ran.Load())
}

// A worker that hands on what it has done before names no lane that another worker may have by now.
func TestPursuit(t *testing.T) {
	at, cs, _ := inlineCalls(1)
	g := new(guard)
	g.init(at.lookout)
	at.guard.Store(g)
	at.lane = new(lane)
	cs.take()
	_, what := at.pursuit()
	require.Equal(t, pursuit{inHandler, "count"}, what)
	at.leave()
	_, what = at.pursuit()
	require.Zero(t, what)
	g.enter(cs.list[0].task, 0)
	l, what := at.pursuit()
	require.Same(t, at.lane, l)
	require.Equal(t, inDecider, what.state)
}
