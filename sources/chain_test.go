package sources_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/reugn/go-streams"
	"github.com/reugn/go-streams/extension"
	"github.com/reugn/go-streams/flow"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sources"
)

// doubler is a foreign stage that starts lazily and whose Via gives another flow than its argument.
type doubler struct {
	once    sync.Once
	in, out chan any
}

func (d *doubler) start() {
	d.once.Do(func() {
		d.in, d.out = make(chan any), make(chan any) // in: the stage before sends and closes; out: the goroutine below
		go func() {
			defer close(d.out)
			for e := range d.in {
				d.out <- e.(int) * 2
			}
		}()
	})
}

func (d *doubler) In() chan<- any  { d.start(); return d.in }
func (d *doubler) Out() <-chan any { d.start(); return d.out }

func (d *doubler) Via(next streams.Flow) streams.Flow {
	flow.DoStream(d, next)
	end := flow.NewPassThrough()
	flow.DoStream(next, end)
	return end
}

func (d *doubler) To(sink streams.Sink) {
	in := sink.In()
	for e := range d.Out() {
		in <- e
	}
	close(in)
	sink.AwaitCompletion()
}

// gather is a sink whose completion takes everything.
type gather struct {
	once sync.Once
	in   chan any
	done chan struct{}
	got  []any
}

func (g *gather) In() chan<- any {
	g.once.Do(func() {
		g.in, g.done = make(chan any), make(chan struct{}) // in: the stage before sends and closes; done: closed below
		go func() {
			defer close(g.done)
			g.got = streamed(g.in)
		}()
	})
	return g.in
}

func (g *gather) AwaitCompletion() { <-g.done }

func plus(n int) streams.Flow { return flow.NewMap(func(i int) int { return i + n }, 1) }

func TestChainRunsStockAndForeignStages(t *testing.T) {
	var sink gather
	sources.Slice([]int{1, 2, 3}).Via(plus(1)).Via(&doubler{}).Via(plus(5)).To(&sink)
	require.Equal(t, []any{9, 11, 13}, sink.got)

	sink = gather{}
	sources.Seq2(pairs(nil, 1, 2, 3)).Via(&doubler{}).To(&sink)
	require.Equal(t, []any{2, 4, 6}, sink.got)

	require.Equal(t, []any{4, 6, 8}, streamed(sources.Chan(filled(1, 2, 3)).Via(plus(1)).Via(&doubler{}).Out()))
}

func TestForeignSourceRunsTheSameStages(t *testing.T) {
	ch := make(chan any, 2) // filled and closed here, the source receives; room for both
	ch <- 1
	ch <- 2
	close(ch)
	var sink gather
	extension.NewChanSource(ch).Via(&doubler{}).Via(plus(1)).To(&sink)
	require.Equal(t, []any{3, 5}, sink.got)
}

func TestChainStartsNothingByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := false
		chain := sources.Seq(func(func(int) bool) { asked = true }).Via(&doubler{}).Via(&doubler{})
		require.NotNil(t, chain.In())
		synctest.Wait()
		require.False(t, asked)
		require.Empty(t, streamed(chain.Out()))
		require.True(t, asked)
	})
}

func TestChainInIsTheFirstInlet(t *testing.T) {
	first := &doubler{}
	chain := sources.Slice([]int{}).Via(first).Via(&doubler{})
	require.Equal(t, first.In(), chain.In())
	require.Empty(t, streamed(chain.Out()))
}

func TestCancelClosesTheChainStageByStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		endless := sources.Seq(func(yield func(int) bool) {
			for i := 0; yield(i); i++ {
			}
		})
		chain := endless.Via(plus(0)).Via(&doubler{}).Via(flow.NewFilter(func(int) bool { return true }, 1))
		starter := chain.(engine.Starter)
		starter.Start(ctx)
		starter.Start(t.Context()) // changes nothing
		out := chain.Out()
		for i := range 100 {
			require.Equal(t, 2*i, <-out)
		}
		cancel()
		require.Less(t, len(streamed(out)), 20, "what the stages held still comes")
		require.NoError(t, starter.Err())
	}) // the bubble ends only when every goroutine has
}

func TestChainTellsTheErrorOfItsSource(t *testing.T) {
	broken := errors.New("broken")
	chain := sources.Seq2(pairs(broken, 1, 2)).Via(plus(1)).Via(plus(1))
	require.Equal(t, []any{3, 4}, streamed(chain.Out()))
	require.Equal(t, broken, chain.(engine.Starter).Err())
}

func TestChainOfAFedSourceIsEmptyAndSaysWhy(t *testing.T) {
	s := sources.Slice(numbered(1))
	chain := s.Via(flow.NewPassThrough())
	_, err := fed(t, s)
	require.NoError(t, err)
	require.Empty(t, streamed(chain.Out()))
	require.ErrorIs(t, chain.(engine.Starter).Err(), sources.ErrUsed)
}

func TestBranchesShareTheElements(t *testing.T) {
	trunk := sources.Slice(make([]int, 1000)).Via(plus(1))
	var a, b gather
	var wg sync.WaitGroup
	left, right := trunk.Via(plus(0)), trunk.Via(plus(0))
	wg.Go(func() { left.To(&a) })
	wg.Go(func() { right.To(&b) })
	wg.Wait()
	require.Len(t, append(a.got, b.got...), 1000)
}
