package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// onBoth runs a test on both buses: they differ only in how the handlers of one message run.
func onBoth(t *testing.T, options engine.BusOptions, test func(t *testing.T, bus engine.Bus)) {
	t.Helper()
	t.Run("SyncBus", func(t *testing.T) { test(t, engine.NewSyncBus(options)) })
	t.Run("AsyncBus", func(t *testing.T) { test(t, engine.NewAsyncBus(options)) })
}

// note makes a message of a type, whose id ends in n.
func note(t testing.TB, typ string, n int) *engine.Message {
	t.Helper()
	return &engine.Message{ID: id(t, n), Type: typ, Data: n}
}

// fail subscribes a handler that gives an error, or panics with what is no error.
func fail(t *testing.T, bus engine.Bus, handler string, with any) {
	t.Helper()
	require.NoError(t, bus.Subscribe("a", handler, func(context.Context, *engine.Message) error {
		if err, ok := with.(error); ok || with == nil {
			return err
		}
		panic(with)
	}))
}

func TestBusSingleHandler(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		type key struct{}
		var got []*engine.Message
		require.NoError(t, bus.Subscribe("a", "only", func(ctx context.Context, m *engine.Message) error {
			require.Equal(t, "value", ctx.Value(key{}))
			got = append(got, m)
			return nil
		}))
		m := note(t, "a", 1)
		require.NoError(t, bus.Publish(context.WithValue(t.Context(), key{}, "value"), m))
		require.Len(t, got, 1)
		require.Same(t, m, got[0])
		require.NoError(t, bus.Publish(t.Context(), note(t, "b", 2)), "nobody hears of b, which is no error")
		require.Len(t, got, 1)
	})
}

// A bus without any subscriber takes messages too.
func TestBusWithoutHandlers(t *testing.T) {
	onBoth(t, engine.BusOptions{OnlyIfAllFail: true}, func(t *testing.T, bus engine.Bus) {
		require.NoError(t, bus.Publish(t.Context(), note(t, "a", 1)))
		fail(t, bus, "h", io.EOF)
		require.NoError(t, bus.Publish(t.Context(), note(t, "b", 1)), "no handler is not all handlers failing")
	})
}

func TestBusSeveralHandlers(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		var calls [5]atomic.Int32
		for i := range calls {
			require.NoError(t, bus.Subscribe("a", fmt.Sprint("h", i), func(context.Context, *engine.Message) error {
				calls[i].Add(1)
				return nil
			}))
		}
		require.NoError(t, bus.Publish(t.Context(), note(t, "a", 1)))
		for i := range calls {
			require.Equal(t, int32(1), calls[i].Load(), "handler %d", i)
		}
	})
}

// The handlers of one message are there at the same time: each waits for all others.
func TestAsyncBusSeveralHandlersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const handlers = 20
		bus := engine.NewAsyncBus(engine.BusOptions{})
		var here sync.WaitGroup
		here.Add(handlers)
		for i := range handlers {
			require.NoError(t, bus.Subscribe("a", fmt.Sprint("h", i), func(context.Context, *engine.Message) error {
				here.Done()
				here.Wait()
				return nil
			}))
		}
		require.NoError(t, bus.Publish(t.Context(), note(t, "a", 1)))
	})
}

func TestSyncBusCallsInSequenceOfSubscription(t *testing.T) {
	bus := engine.NewSyncBus(engine.BusOptions{})
	var calls []string
	for _, name := range []string{"zebra", "ant", "mole"} {
		require.NoError(t, bus.Subscribe("a", name, func(context.Context, *engine.Message) error {
			calls = append(calls, name) // no lock: the publisher's goroutine is the only one
			return nil
		}))
	}
	require.NoError(t, bus.Publish(t.Context(), note(t, "a", 1)))
	require.Equal(t, []string{"zebra", "ant", "mole"}, calls)
}

// Five handlers that wait 1 ms take exactly 1 ms together on one bus and exactly 5 ms on the other.
func TestBusParallelTiming(t *testing.T) {
	for _, c := range []struct {
		name string
		bus  engine.Bus
		want time.Duration
	}{
		{"SyncBus", engine.NewSyncBus(engine.BusOptions{}), 5 * time.Millisecond},
		{"AsyncBus", engine.NewAsyncBus(engine.BusOptions{}), time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for i := range 5 {
					require.NoError(t, c.bus.Subscribe("a", fmt.Sprint("h", i), func(context.Context, *engine.Message) error {
						time.Sleep(time.Millisecond)
						return nil
					}))
				}
				begin := time.Now()
				require.NoError(t, c.bus.Publish(t.Context(), note(t, "a", 1)))
				require.Equal(t, c.want, time.Since(begin))
			})
		})
	}
}

// Every handler is called whatever the others do; their errors come joined, in the sequence of subscription.
func TestBusHandlerErrors(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		fail(t, bus, "zebra", io.ErrClosedPipe)
		fail(t, bus, "fine", nil)
		fail(t, bus, "wild", "oh no")
		fail(t, bus, "ant", io.EOF)
		err := bus.Publish(t.Context(), note(t, "a", 1))
		require.EqualError(t, err,
			`engine: handler "zebra" failed on a 00000000-0000-7000-8000-000000000001: io: read/write on closed pipe; `+
				`engine: handler "wild" failed on a 00000000-0000-7000-8000-000000000001: panic: oh no; `+
				`engine: handler "ant" failed on a 00000000-0000-7000-8000-000000000001: EOF`)
		require.ErrorIs(t, err, io.ErrClosedPipe)
		require.ErrorIs(t, err, io.EOF)

		list := err.(interface{ Unwrap() []error }).Unwrap()
		require.Len(t, list, 3)
		require.Equal(t, &engine.HandlerError{Type: "a", ID: id(t, 1), Handler: "zebra", Err: io.ErrClosedPipe}, list[0])
		require.Equal(t, &engine.HandlerError{Type: "a", ID: id(t, 1), Handler: "ant", Err: io.EOF}, list[2])
	})
}

// A panic is one failed handler, with its stack; the bus and the other handlers go on.
func TestBusHandlerPanics(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		var calls atomic.Int32
		fail(t, bus, "wild", "oh no")
		require.NoError(t, bus.Subscribe("a", "fine", func(context.Context, *engine.Message) error {
			calls.Add(1)
			return nil
		}))
		for range 2 {
			err := bus.Publish(t.Context(), note(t, "a", 1))
			var panicked *engine.PanicError
			require.ErrorAs(t, err, &panicked)
			require.Equal(t, "oh no", panicked.Value)
			require.Contains(t, string(panicked.Stack), "bus_test.go")
		}
		require.Equal(t, int32(2), calls.Load())
	})
}

func TestBusOnlyIfAllFail(t *testing.T) {
	onBoth(t, engine.BusOptions{OnlyIfAllFail: true}, func(t *testing.T, bus engine.Bus) {
		fail(t, bus, "one", io.EOF)
		err := bus.Publish(t.Context(), note(t, "a", 1))
		require.ErrorIs(t, err, io.EOF, "the only handler is all handlers")
		fail(t, bus, "two", "oh no")
		err = bus.Publish(t.Context(), note(t, "a", 1))
		require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 2)
		fail(t, bus, "three", nil)
		require.NoError(t, bus.Publish(t.Context(), note(t, "a", 1)), "one success is enough")
	})
}

func TestBusContextDoneBefore(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		fail(t, bus, "never", "called")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Equal(t, context.Canceled, bus.Publish(ctx, note(t, "a", 1)))
	})
}

// A publisher that goes one by one is heard in its sequence, message by message, by every handler.
func TestBusThousandMessages(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		const messages, handlers = 1500, 3
		var got [handlers][]int
		for i := range got {
			require.NoError(t, bus.Subscribe("a", fmt.Sprint("h", i), func(_ context.Context, m *engine.Message) error {
				got[i] = append(got[i], m.Data.(int)) // no lock: Publish returns after the handler, before the next
				return nil
			}))
		}
		want := make([]int, messages)
		for n := range messages {
			want[n] = n
			require.NoError(t, bus.Publish(t.Context(), note(t, "a", n)))
		}
		for i := range got {
			require.Equal(t, want, got[i], "handler %d", i)
		}
	})
}

// Many publishers at once, of several types: every handler gets each message of its type and none of another, and the
// messages of each publisher in that publisher's sequence.
func TestBusInterleavedPublishes(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		const publishers, each, types = 16, 100, 3
		var mu sync.Mutex
		got := map[string]map[int][]int{} // type and handler, publisher, numbers
		for typ := range types {
			for h := range 2 {
				name := fmt.Sprint(typ, "/", h)
				require.NoError(t, bus.Subscribe(fmt.Sprint(typ), name, func(_ context.Context, m *engine.Message) error {
					from, n := m.Data.([2]int)[0], m.Data.([2]int)[1]
					mu.Lock()
					defer mu.Unlock()
					if got[name] == nil {
						got[name] = map[int][]int{}
					}
					got[name][from] = append(got[name][from], n)
					return nil
				}))
			}
		}
		engine.FanOut(publishers, func(from int) {
			for n := range each {
				m := &engine.Message{Type: fmt.Sprint(n % types), Data: [2]int{from, n}}
				if err := bus.Publish(t.Context(), m); err != nil {
					t.Error(err)
				}
			}
		})
		for typ := range types {
			var want []int
			for n := typ; n < each; n += types {
				want = append(want, n)
			}
			for h := range 2 {
				for from := range publishers {
					require.Equal(t, want, got[fmt.Sprint(typ, "/", h)][from], "type %d, handler %d, publisher %d", typ, h, from)
				}
			}
		}
	})
}

// Subscribing while messages are published is safe; a publish that begins after Subscribe has returned sees the handler.
func TestBusSubscribeWhilePublishing(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		const handlers = 50
		var subscribed, stop atomic.Int32
		var publishers sync.WaitGroup
		for range 4 {
			publishers.Go(func() {
				for stop.Load() == 0 {
					var calls atomic.Int32
					least := subscribed.Load()
					if err := bus.Publish(t.Context(), &engine.Message{Type: "a", Data: &calls}); err != nil {
						t.Error(err)
					}
					if got := calls.Load(); got < least || got > handlers {
						t.Errorf("%d handlers were called, %d were subscribed before", got, least)
					}
				}
			})
		}
		for i := range handlers {
			err := bus.Subscribe("a", fmt.Sprint("h", i), func(_ context.Context, m *engine.Message) error {
				m.Data.(*atomic.Int32).Add(1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			subscribed.Add(1)
		}
		stop.Store(1)
		publishers.Wait()
	})
}

// A handler may subscribe and publish itself: no lock is held while it runs. The publish under way keeps its handlers.
func TestBusHandlerUsesTheBus(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		var late, inner atomic.Int32
		require.NoError(t, bus.Subscribe("b", "inner", func(context.Context, *engine.Message) error {
			inner.Add(1)
			return nil
		}))
		require.NoError(t, bus.Subscribe("a", "outer", func(ctx context.Context, _ *engine.Message) error {
			err := bus.Subscribe("a", "late", func(context.Context, *engine.Message) error {
				late.Add(1)
				return nil
			})
			return errors.Join(err, bus.Publish(ctx, &engine.Message{Type: "b"}))
		}))
		require.NoError(t, bus.Publish(t.Context(), note(t, "a", 1)))
		require.Equal(t, int32(0), late.Load())
		require.NoError(t, bus.Publish(t.Context(), note(t, "a", 2)))
		require.Equal(t, int32(1), late.Load())
		require.Equal(t, int32(2), inner.Load())
	})
}

func TestBusSubscribeRefusesBadNames(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		handle := func(context.Context, *engine.Message) error { return nil }
		require.EqualError(t, bus.Subscribe("", "h", handle), "engine: type is empty")
		require.EqualError(t, bus.Subscribe("a", "", handle), "engine: handler name is empty")
		require.ErrorIs(t, bus.Subscribe("a\n", "h", handle), engine.ErrLimit)
	})
}

func TestSubscribeTyped(t *testing.T) {
	onBoth(t, engine.BusOptions{}, func(t *testing.T, bus engine.Bus) {
		var got []deposited
		require.NoError(t, engine.Subscribe(bus, "a", "typed",
			func(_ context.Context, m *engine.Message, data deposited) error {
				require.Equal(t, m.Data, data)
				got = append(got, data)
				return nil
			}))
		require.NoError(t, bus.Publish(t.Context(), &engine.Message{Type: "a", Data: deposited{5}}))
		require.Equal(t, []deposited{{5}}, got)

		err := bus.Publish(t.Context(), &engine.Message{Type: "a", Data: withdrawn{5}})
		var payload *engine.PayloadError
		require.ErrorAs(t, err, &payload)
		require.Equal(t, &engine.PayloadError{Want: "engine_test.deposited", Got: withdrawn{5}}, payload)
		require.Len(t, got, 1)
	})
}
