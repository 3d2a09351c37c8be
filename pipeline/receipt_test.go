package pipeline_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

func TestDoTellsEveryOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{}).start()
		o, err := b.Do(t.Context(), engine.NewCommand("a", put{Amounts: []int{3}}))
		require.NoError(t, err)
		require.Equal(t, engine.Accepted, o.Status)
		o, err = b.Do(t.Context(), engine.NewCommand("a", put{Amounts: []int{-4}}))
		require.ErrorIs(t, err, engine.ErrRejected)
		require.Equal(t, engine.Rejected, o.Status)
		o, err = b.Do(t.Context(), engine.NewCommand("a", put{Fault: deciderFails}))
		require.ErrorIs(t, err, errBroken)
		require.Equal(t, engine.DeadLettered, o.Status)
		o, err = b.Do(t.Context(), nil)
		require.ErrorContains(t, err, "want a *engine.Command")
		require.Equal(t, engine.DeadLettered, o.Status)
		synctest.Wait()
		require.Zero(t, b.Report().InFlight)
		require.Equal(t, 4, b.end().Commands)
	})
}

// Before Run starts, commands wait; after it has ended they are refused.
func TestSendBeforeAndAfterRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{})
		early := make(chan error, 1) // the goroutine below sends once; room for it
		go func() {
			_, err := b.Do(t.Context(), engine.NewCommand("a", put{}))
			early <- err
		}()
		impatient := cancelledAfter(time.Second)
		_, err := b.Send(impatient, engine.NewCommand("a", put{}))
		require.ErrorIs(t, err, context.Canceled)
		require.EqualError(t, err, "pipeline: not running, call Run or Dispatch to have commands handled: context canceled")
		require.Zero(t, b.Report().Commands)

		b.start()
		require.NoError(t, <-early)
		b.end()
		_, err = b.Do(t.Context(), engine.NewCommand("a", put{}))
		require.ErrorIs(t, err, engine.ErrClosed)
		_, err = b.Send(t.Context(), engine.NewCommand("a", put{}))
		require.ErrorIs(t, err, engine.ErrClosed)
		require.EqualError(t, err, "pipeline: stopped, it takes no more commands, make a new one: engine: closed")
		require.Equal(t, 1, b.Report().Commands)
	})
}

// A context that is done admits nothing; one that ends later leaves the command on its way.
func TestDoWithACancelledContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		b := newBelt(t, store, pipeline.Options{Window: 1}).start()
		done, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 { // whichever way a select would fall
			_, err := b.Do(done, engine.NewCommand("a", put{}))
			require.ErrorIs(t, err, context.Canceled)
		}
		require.Zero(t, b.Report().Commands)

		short := cancelledAfter(time.Millisecond)
		r, err := b.Send(t.Context(), engine.NewCommand("a", note{Waits: []time.Duration{time.Second}}))
		require.NoError(t, err)
		_, err = r.Wait(short)
		require.ErrorIs(t, err, context.Canceled)
		_, err = b.Send(short, engine.NewCommand("a", put{})) // the window is full
		require.ErrorIs(t, err, context.Canceled)
		for range 100 { // an outcome that is there is told, whatever the context
			o, err := r.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, engine.Accepted, o.Status)
			again, err := r.Wait(done)
			require.NoError(t, err)
			require.Equal(t, o, again)
		}
		b.end()
		require.Len(t, wholeLog(t, store), 2)
	})
}

// Receipts of Do serve again: each caller gets the outcome of its own command, also beside callers who have given up and
// whose commands end later.
func TestDoGetsItsOwnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers, each = 20, 50
		const patience = 2*time.Millisecond + time.Microsecond // never as long as a command takes
		b := newBelt(t, memory.New(), pipeline.Options{}).start()
		var got, gaveUp atomic.Int64
		var running sync.WaitGroup
		for n := range callers {
			running.Go(func() {
				for i := range each {
					takes := time.Duration(1+(n+i)%3) * time.Millisecond
					cmd := engine.NewCommand(fmt.Sprint("a", n), note{Waits: []time.Duration{takes}})
					o, err := b.Do(cancelledAfter(patience), cmd)
					if err != nil {
						require.ErrorIs(t, err, context.Canceled)
						gaveUp.Add(1)
						continue
					}
					require.Equal(t, cmd.ID, o.CommandID)
					require.Equal(t, engine.Accepted, o.Status)
					got.Add(1)
				}
			})
		}
		running.Wait()
		require.Equal(t, callers*each, b.end().Commands)
		require.NotZero(t, got.Load())
		require.NotZero(t, gaveUp.Load())
	})
}

// A receipt may be asked outside the bubble of a test in which its command had its outcome: nobody is waited for then.
func TestReceiptLeavesItsBubble(t *testing.T) {
	var r *pipeline.Receipt
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{}).start()
		var err error
		r, err = b.Send(t.Context(), engine.NewCommand("a", put{Amounts: []int{1}}))
		require.NoError(t, err)
		b.end()
	})
	o, err := r.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, engine.Accepted, o.Status)
}

// Those who wait for a place when the pipeline ends get an answer.
func TestSendWhileItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{Window: 1}).start()
		_, err := b.Send(t.Context(), engine.NewCommand("a", note{Waits: []time.Duration{time.Second}}))
		require.NoError(t, err)
		errs := make(chan error, 10) // ten goroutines send once each; room for all
		for range 10 {
			go func() {
				_, err := b.Send(t.Context(), engine.NewCommand("a", put{}))
				errs <- err
			}()
		}
		synctest.Wait()
		require.Equal(t, 1, b.end().Commands)
		for range 10 {
			require.ErrorIs(t, <-errs, engine.ErrClosed)
		}
	})
}
