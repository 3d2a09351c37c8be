package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reugn/go-streams"
	"github.com/reugn/go-streams/flow"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// obedient is a domain whose handlers stay until they are cancelled.
var obedient = steps(1, func(ctx context.Context, _ int) error {
	<-ctx.Done()
	return context.Cause(ctx)
})

// The error of a drain that was cut names what was left, and why it was cut.
func TestStoppedErrorNamesWhatWasLeft(t *testing.T) {
	for name, c := range map[string]struct {
		drain time.Duration
		says  string
	}{"timeout": {time.Second, "the drain timeout of 1s ran out"}, "cut": {time.Hour, "the drain was cut"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBelt(t, memory.New(), pipeline.Options{Workers: 30, DrainTimeout: c.drain, HandlerTimeout: 2 * time.Hour}, obedient).start()
				var first *engine.Command
				for i := range 50 {
					cmd := engine.NewCommand(fmt.Sprintf("a%02d", i/2), step{Go: true})
					if i == 0 {
						first = cmd
					}
					_, err := b.Send(t.Context(), cmd)
					require.NoError(t, err)
					time.Sleep(time.Millisecond)
				}
				b.stop()
				time.Sleep(time.Millisecond)
				began := time.Now()
				if c.drain > time.Minute {
					b.Cut()
					b.Cut()
				}
				<-b.ended
				require.Less(t, time.Since(began), 2*time.Second)
				var stopped *pipeline.StoppedError
				require.ErrorAs(t, b.err, &stopped)
				require.ErrorIs(t, b.err, pipeline.ErrStopped)
				require.Equal(t, 25, stopped.Lanes)
				require.Len(t, stopped.Left, 20)
				require.ErrorContains(t, b.err, c.says+fmt.Sprintf(` with 50 commands in flight; left were "a00" handler step0 (step %s and 1 behind it), `, first.ID))
				require.ErrorContains(t, b.err, "and 5 more aggregates")
				require.Equal(t, 50, b.report.DeadLettered)
				require.Zero(t, b.report.InFlight)
			})
		})
	}
}

// A cut while sources are read ends the reading first.
func TestCutEndsTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{})
		go func() { // ends with the sleep
			time.Sleep(time.Second)
			b.Cut()
		}()
		report, err := b.Run(t.Context(), paced(puts("a", 1000), 10*time.Millisecond))
		require.ErrorIs(t, err, pipeline.ErrStopped)
		require.InDelta(t, 100, report.Commands, 2)
		require.Zero(t, report.InFlight)
	})
}

// deafSource goes on whatever its context and emit say.
type deafSource struct {
	streams.Outlet
	cmds     []*engine.Command
	refused  int
	unending chan struct{} // the test closes it; nobody sends
}

func (d *deafSource) Feed(_ context.Context, emit func([]*engine.Command) error) error {
	for i := range d.cmds {
		time.Sleep(10 * time.Millisecond)
		if emit(d.cmds[i:i+1]) != nil {
			d.refused++
		}
	}
	<-d.unending
	return nil
}

// deafStage is a stage of a chain that holds on to what it has.
func deafStage(unending <-chan struct{}) streams.Flow {
	return flow.NewMap(func(e any) any { <-unending; return e }, 1)
}

// A source that ignores its context is read no further, cannot keep the pipeline from its end, and is named.
func TestSourcesThatIgnoreTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unending := make(chan struct{}) // closed below; nobody sends
		cmds := puts("a", 200)
		outcomes := watch(cmds...)
		deaf := &deafSource{cmds: cmds, unending: unending}
		stage := sources.Slice(puts("b", 3)).Via(deafStage(unending))
		b := newBelt(t, memory.New(), pipeline.Options{DrainTimeout: 5 * time.Second})
		began := time.Now()
		report, err := b.Run(cancelledAfter(time.Second), sources.Slice(puts("c", 10)), deaf, stage)
		require.Less(t, time.Since(began), 8*time.Second)
		require.ErrorIs(t, err, pipeline.ErrStopped)
		require.ErrorContains(t, err, "source 2 of 3 (*pipeline_test.deafSource) ignores that its context is done")
		require.ErrorContains(t, err, "source 3 of 3 (*sources.chain) ignores")
		require.NotContains(t, err.Error(), "source 1")
		n := statuses(outcomes())
		require.InDelta(t, 100, n[engine.Accepted], 1, "it was read for a second")
		require.Equal(t, 200, n[0]+n[engine.Accepted], "what was refused has no outcome: it is the source's still")
		require.Equal(t, n[engine.Accepted]+10, report.Accepted)
		close(unending)
		synctest.Wait()
		require.Equal(t, n[0], deaf.refused)
	})
}

// deafStore answers an append when it is told to, whatever its context says.
type deafStore struct {
	engine.Store
	unending <-chan struct{}
}

func (s deafStore) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	<-s.unending
	return s.Store.Append(context.WithoutCancel(ctx), batch)
}

// Capabilities says that appends have to be waited for.
func (s deafStore) Capabilities() engine.Capabilities { return engine.Capabilities{Name: "deaf"} }

// What stands behind an append that nobody waits for any more has its outcome when that one comes back.
func TestOutcomesBehindALateStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unending := make(chan struct{}) // closed below; nobody sends
		cmds := puts("a", 5)
		outcomes := watch(cmds...)
		b := newBelt(t, deafStore{memory.New(), unending}, pipeline.Options{Batch: 2, DrainTimeout: time.Second})
		report, err := b.Run(cancelledAfter(time.Second), sources.Slice(cmds))
		require.ErrorIs(t, err, pipeline.ErrStopped)
		require.Equal(t, 5, report.InFlight)
		close(unending)
		synctest.Wait()
		n := statuses(outcomes())
		require.Equal(t, 2, n[engine.Accepted])
		require.Equal(t, 3, n[engine.DeadLettered], "told that the pipeline has stopped")
	})
}
