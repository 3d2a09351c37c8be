package engine_test

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// slow gives a SyncBus whose one handler of "a" takes one second, counts, and fails with err.
func slow(t *testing.T, ended *atomic.Int32, err error) *engine.SyncBus {
	t.Helper()
	bus := engine.NewSyncBus(engine.BusOptions{})
	require.NoError(t, bus.Subscribe("a", "slow", func(context.Context, *engine.Message) error {
		time.Sleep(time.Second)
		ended.Add(1)
		return err
	}))
	return bus
}

func TestNonBlockingSendReturnsBeforeTheHandlerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		n := engine.NewNonBlocking(slow(t, &ended, io.EOF), 10)
		defer n.Close()
		begin := time.Now()
		receipt := n.Send(t.Context(), note(t, "a", 1))
		require.Zero(t, time.Since(begin))
		require.Equal(t, int32(0), ended.Load())

		err := receipt.Wait(t.Context())
		require.Equal(t, time.Second, time.Since(begin))
		require.Equal(t, int32(1), ended.Load())
		require.EqualError(t, err, `engine: handler "slow" failed on a 00000000-0000-7000-8000-000000000001: EOF`)
		require.Equal(t, err, receipt.Wait(t.Context()), "a receipt can be asked again")
	})
}

// Three at once where two are allowed: the third Send blocks until one of the others has ended.
func TestNonBlockingLimitBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		n := engine.NewNonBlocking(slow(t, &ended, nil), 2)
		begin := time.Now()
		n.Send(t.Context(), note(t, "a", 1))
		n.Send(t.Context(), note(t, "a", 2))
		require.Zero(t, time.Since(begin))
		n.Send(t.Context(), note(t, "a", 3))
		require.Equal(t, time.Second, time.Since(begin))
		n.Close()
		require.Equal(t, 2*time.Second, time.Since(begin))
		require.Equal(t, int32(3), ended.Load())
	})
}

func TestNonBlockingDefaultLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		n := engine.NewNonBlocking(slow(t, &ended, nil), 0)
		begin := time.Now()
		for i := range 1024 {
			n.Send(t.Context(), note(t, "a", i))
		}
		require.Zero(t, time.Since(begin))
		n.Send(t.Context(), note(t, "a", 1024))
		require.Equal(t, time.Second, time.Since(begin))
		n.Close()
		require.Equal(t, int32(1025), ended.Load())
	})
}

// A Send that waits for a free place gives up with its context, and its message is never handled.
func TestNonBlockingSendGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		n := engine.NewNonBlocking(slow(t, &ended, nil), 1)
		n.Send(t.Context(), note(t, "a", 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		begin := time.Now()
		receipt := n.Send(ctx, note(t, "a", 2))
		require.Equal(t, time.Millisecond, time.Since(begin))
		require.Equal(t, context.DeadlineExceeded, receipt.Wait(t.Context()))
		n.Close()
		require.Equal(t, int32(1), ended.Load())
	})
}

// The context of Wait ends the waiting only; a publish that has ended answers with its own error whatever the context is.
func TestReceiptWaitContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		n := engine.NewNonBlocking(slow(t, &ended, io.EOF), 1)
		defer n.Close()
		receipt := n.Send(t.Context(), note(t, "a", 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.Equal(t, context.DeadlineExceeded, receipt.Wait(ctx))
		require.Equal(t, int32(0), ended.Load())
		time.Sleep(time.Second)
		require.Equal(t, int32(1), ended.Load(), "the publish went on")
		for range 100 { // a coin toss between both would show
			require.ErrorIs(t, receipt.Wait(ctx), io.EOF)
		}
	})
}

func TestNonBlockingCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		n := engine.NewNonBlocking(slow(t, &ended, nil), 10)
		for i := range 10 {
			n.Send(t.Context(), note(t, "a", i))
		}
		begin := time.Now()
		n.Close()
		require.Equal(t, time.Second, time.Since(begin))
		require.Equal(t, int32(10), ended.Load())
		n.Close() // twice is harmless
	})
}

func TestNonBlockingClosedRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		n := engine.NewNonBlocking(slow(t, &ended, nil), 1)
		n.Close()
		for i := range 3 { // more often than there are places: a refusal takes none
			require.Equal(t, engine.ErrClosed, n.Send(t.Context(), note(t, "a", i)).Wait(t.Context()))
		}
		require.Equal(t, int32(0), ended.Load())
	})
}

// A Send that waits for a place while Close is called is refused when it gets one; none slips through after Close.
func TestNonBlockingCloseMeetsWaitingSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		n := engine.NewNonBlocking(slow(t, &ended, nil), 1)
		n.Send(t.Context(), note(t, "a", 1))
		waiting := make(chan error, 1) // the goroutine below sends, the test receives; one element
		go func() { waiting <- n.Send(t.Context(), note(t, "a", 2)).Wait(t.Context()) }()
		synctest.Wait()
		n.Close()
		require.Equal(t, engine.ErrClosed, <-waiting)
		require.Equal(t, int32(1), ended.Load())
	})
}

// Many senders against one Close, under the race detector: each message is either handled or refused.
func TestNonBlockingCloseMeetsManySends(t *testing.T) {
	for range 50 {
		bus := engine.NewSyncBus(engine.BusOptions{})
		var handled, refused atomic.Int32
		require.NoError(t, bus.Subscribe("a", "count", func(context.Context, *engine.Message) error {
			handled.Add(1)
			return nil
		}))
		n := engine.NewNonBlocking(bus, 4)
		engine.FanOut(9, func(i int) {
			if i == 4 {
				n.Close()
				return
			}
			for range 10 {
				switch err := n.Send(t.Context(), &engine.Message{Type: "a"}).Wait(t.Context()); err {
				case nil:
				case engine.ErrClosed:
					refused.Add(1)
				default:
					t.Error(err)
				}
			}
		})
		require.Equal(t, int32(80), handled.Load()+refused.Load())
	}
}

// An asynchronous publisher at a place where a blocking call is expected: both adapters, one in the other.
func TestBlockingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		n := engine.NewNonBlocking(slow(t, &ended, nil), 1)
		defer n.Close()
		bus := engine.Bus(engine.Blocking{AsyncPublisher: n})
		require.NoError(t, bus.Subscribe("a", "second", func(context.Context, *engine.Message) error { return io.EOF }))
		begin := time.Now()
		require.ErrorIs(t, bus.Publish(t.Context(), note(t, "a", 1)), io.EOF)
		require.Equal(t, time.Second, time.Since(begin))
		require.Equal(t, int32(1), ended.Load())

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.Equal(t, context.DeadlineExceeded, bus.Publish(ctx, note(t, "a", 2)))
	})
}

func TestNonBlockingSubscribesAtTheBus(t *testing.T) {
	bus := engine.NewAsyncBus(engine.BusOptions{})
	n := engine.NewNonBlocking(bus, 1)
	defer n.Close()
	require.NoError(t, n.Subscribe("a", "h", func(context.Context, *engine.Message) error { return io.EOF }))
	require.ErrorIs(t, bus.Publish(t.Context(), note(t, "a", 1)), io.EOF)
	require.ErrorIs(t, n.Subscribe("", "h", nil), engine.ErrLimit)
}
