package engine_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// steps is what happened, in sequence.
type steps struct {
	mu   sync.Mutex
	list []string
}

func (s *steps) add(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, step)
}

func (s *steps) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

// noting is middleware that says when it begins and ends.
func (s *steps) noting(name string) engine.Middleware {
	return engine.Middleware{Name: name, Wrap: func(next engine.Next) engine.Next {
		return func(ctx context.Context, call engine.Call) ([]any, error) {
			s.add(name + " before " + call.Handler)
			events, err := next(ctx, call)
			s.add(name + " after " + call.Handler)
			return events, err
		}
	}}
}

// through is middleware that does what the function says.
func through(do func(ctx context.Context, call engine.Call, next engine.Next) ([]any, error)) engine.Middleware {
	return engine.Middleware{Name: "through", Wrap: func(next engine.Next) engine.Next {
		return func(ctx context.Context, call engine.Call) ([]any, error) { return do(ctx, call, next) }
	}}
}

// withAudit is the purse with a stateless handler beside its decider of deposits.
func withAudit(t testing.TB, use func(r *engine.Registry)) *engine.Route {
	t.Helper()
	r := engine.NewRegistry()
	use(r) // before anything is registered: it holds for all of it
	purse{}.Register(r)
	engine.OnCommand(r, "purse.deposit", "audit", idle[deposit])
	require.NoError(t, r.Seal())
	route, err := r.Route(engine.NewCommand("purse-1", deposit{}))
	require.NoError(t, err)
	return route
}

// The sequence is that of use, from the outside in; what is for one type is inside of what is for all.
func TestMiddlewareRunsInSequence(t *testing.T) {
	var s steps
	route := withAudit(t, func(r *engine.Registry) {
		r.UseFor("purse.deposit", s.noting("3"))
		r.Use(s.noting("1"), s.noting("2"))
		r.UseFor("purse.withdraw", s.noting("other"))
		r.UseFor("purse.deposit", s.noting("4"))
	})
	cmd := engine.NewCommand("purse-1", deposit{7})

	_, err := route.Handlers[0].Call(t.Context(), cmd, cmd.Data)
	require.NoError(t, err)
	require.Equal(t, []string{
		"1 before audit", "2 before audit", "3 before audit", "4 before audit",
		"4 after audit", "3 after audit", "2 after audit", "1 after audit",
	}, s.take())

	events, err := route.NewAggregate().Decide(t.Context(), "purse.deposit", cmd, cmd.Data)
	require.NoError(t, err)
	require.Equal(t, []any{deposited{7}}, events)
	require.Equal(t, []string{
		"1 before purse", "2 before purse", "3 before purse", "4 before purse",
		"4 after purse", "3 after purse", "2 after purse", "1 after purse",
	}, s.take())

	other := engine.NewCommand("purse-1", withdraw{})
	_, err = route.NewAggregate().Decide(t.Context(), "purse.withdraw", other, other.Data)
	require.NoError(t, err)
	require.Equal(t, []string{
		"1 before purse", "2 before purse", "other before purse",
		"other after purse", "2 after purse", "1 after purse",
	}, s.take())
}

// One middleware fits all three: handlers, deciders and the handlers of a bus.
func TestMiddlewareOfBuses(t *testing.T) {
	var s steps
	onBoth(t, engine.BusOptions{Use: []engine.Middleware{s.noting("1"), s.noting("2")}}, func(t *testing.T, bus engine.Bus) {
		s.take()
		require.NoError(t, engine.Subscribe(bus, "purse.deposited", "mail",
			func(context.Context, *engine.Message, deposited) error { return io.EOF }))
		require.Empty(t, s.take())
		err := bus.Publish(t.Context(), &engine.Message{Type: "purse.deposited", Data: deposited{1}})
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, []string{"1 before mail", "2 before mail", "2 after mail", "1 after mail"}, s.take())
	})
}

func TestMiddlewareSeesTheCall(t *testing.T) {
	type key struct{}
	var calls []engine.Call
	see := through(func(ctx context.Context, call engine.Call, next engine.Next) ([]any, error) {
		calls = append(calls, call)
		return next(context.WithValue(ctx, key{}, "value"), call)
	})
	r := engine.NewRegistry(purse{})
	r.Use(see)
	engine.OnCommand(r, "purse.deposit", "audit", func(ctx context.Context, _ *engine.Command, _ deposit) ([]any, error) {
		return []any{ctx.Value(key{})}, nil
	})
	require.NoError(t, r.Seal())
	cmd := engine.NewCommand("purse-1", engine.Raw(`{"Cents":5}`))
	cmd.Type = "purse.deposit"
	route, err := r.Route(cmd)
	require.NoError(t, err)
	events, err := route.Handlers[0].Call(t.Context(), cmd, deposit{5})
	require.NoError(t, err)
	require.Equal(t, []any{"value"}, events, "the context is handed on")
	_, err = route.NewAggregate().Decide(t.Context(), "purse.deposit", cmd, deposit{5})
	require.NoError(t, err)

	bus := engine.NewSyncBus(engine.BusOptions{Use: []engine.Middleware{see}})
	require.NoError(t, bus.Subscribe("purse.deposited", "mail", func(context.Context, *engine.Message) error { return nil }))
	message := &engine.Message{Type: "purse.deposited", Data: deposited{6}}
	require.NoError(t, bus.Publish(t.Context(), message))

	require.Len(t, calls, 3)
	for i, handler := range []string{"audit", "purse"} {
		require.Equal(t, "purse.deposit", calls[i].Type)
		require.Equal(t, handler, calls[i].Handler)
		require.Same(t, &cmd.Message, calls[i].Message)
		require.Equal(t, deposit{5}, calls[i].Data, "decoded, while the message still holds it encoded")
	}
	require.Equal(t, "mail", calls[2].Handler)
	require.Same(t, message, calls[2].Message)
	require.Equal(t, deposited{6}, calls[2].Data)
}

// Middleware may answer by itself, and it may go on more than once: a decision does not change the state.
func TestMiddlewareDecidesWhatIsCalled(t *testing.T) {
	tries := 0
	route := withAudit(t, func(r *engine.Registry) {
		r.UseFor("purse.deposit", through(func(ctx context.Context, call engine.Call, next engine.Next) ([]any, error) {
			if call.Handler == "audit" {
				return nil, engine.Reject("not today")
			}
			for range 2 {
				tries++
				if _, err := next(ctx, call); err != nil {
					return nil, err
				}
			}
			return next(ctx, call)
		}))
	})
	cmd := engine.NewCommand("purse-1", deposit{3})
	_, err := route.Handlers[0].Call(t.Context(), cmd, cmd.Data)
	require.ErrorIs(t, err, engine.ErrRejected)
	named, ok := errors.AsType[*engine.HandlerError](err)
	require.True(t, ok)
	require.Equal(t, "audit", named.Handler)

	purse := route.NewAggregate()
	events, err := purse.Decide(t.Context(), "purse.deposit", cmd, cmd.Data)
	require.NoError(t, err)
	require.Equal(t, []any{deposited{3}}, events)
	require.Equal(t, 2, tries)
	require.NoError(t, purse.Evolve("purse.deposited", events[0]))
	over := engine.NewCommand("purse-1", withdraw{4})
	_, err = purse.Decide(t.Context(), "purse.withdraw", over, over.Data)
	require.ErrorContains(t, err, "3 cents are there")
}

// A panic in middleware costs the one message, under the name of the handler it is around.
func TestMiddlewarePanics(t *testing.T) {
	bomb := through(func(context.Context, engine.Call, engine.Next) ([]any, error) { panic("boom") })
	forger := through(func(ctx context.Context, _ engine.Call, next engine.Next) ([]any, error) {
		return next(ctx, engine.Call{})
	})
	for _, middleware := range []engine.Middleware{bomb, forger} {
		route := withAudit(t, func(r *engine.Registry) { r.Use(middleware) })
		cmd := engine.NewCommand("purse-1", deposit{})
		_, handled := route.Handlers[0].Call(t.Context(), cmd, cmd.Data)
		_, decided := route.NewAggregate().Decide(t.Context(), "purse.deposit", cmd, cmd.Data)
		for handler, err := range map[string]error{"audit": handled, "purse": decided} {
			named, ok := errors.AsType[*engine.HandlerError](err)
			require.True(t, ok)
			require.Equal(t, handler, named.Handler)
			panicked, ok := errors.AsType[*engine.PanicError](err)
			require.True(t, ok)
			require.NotEmpty(t, panicked.Stack)
		}
	}
	onBoth(t, engine.BusOptions{Use: []engine.Middleware{bomb}}, func(t *testing.T, bus engine.Bus) {
		require.NoError(t, bus.Subscribe("a", "mail", func(context.Context, *engine.Message) error { return nil }))
		_, panicked := errors.AsType[*engine.PanicError](bus.Publish(t.Context(), &engine.Message{Type: "a"}))
		require.True(t, panicked)
	})
}

// Middleware that ends its goroutine fails the message of an asynchronous bus like a handler that does.
func TestMiddlewareExits(t *testing.T) {
	exit := through(func(context.Context, engine.Call, engine.Next) ([]any, error) {
		runtime.Goexit()
		return nil, nil
	})
	bus := engine.NewNonBlocking(engine.NewAsyncBus(engine.BusOptions{Use: []engine.Middleware{exit}}), 0)
	defer bus.Close()
	require.NoError(t, bus.Subscribe("a", "mail", func(context.Context, *engine.Message) error { return nil }))
	err := bus.Send(t.Context(), &engine.Message{Type: "a"}).Wait(t.Context())
	require.ErrorContains(t, err, "runtime.Goexit")
}

// Each handler gets what Wrap makes for it, once, however many pipelines seal the registry and however often it is called.
func TestMiddlewareWrapsOnce(t *testing.T) {
	var wraps, calls int
	counting := engine.Middleware{Name: "counting", Wrap: func(next engine.Next) engine.Next {
		wraps++
		return func(ctx context.Context, call engine.Call) ([]any, error) {
			calls++
			return next(ctx, call)
		}
	}}
	r := engine.NewRegistry(purse{})
	r.Use(counting)
	engine.OnCommand(r, "purse.deposit", "audit", idle[deposit])
	var sealers sync.WaitGroup
	for range 8 {
		sealers.Go(func() { _ = r.Seal() })
	}
	sealers.Wait()
	require.NoError(t, r.Err())
	require.Equal(t, 3, wraps, "a handler and the decisions of two commands")

	cmd := engine.NewCommand("purse-1", deposit{})
	route, err := r.Route(cmd)
	require.NoError(t, err)
	for range 10 {
		_, err := route.Handlers[0].Call(t.Context(), cmd, cmd.Data)
		require.NoError(t, err)
	}
	require.Equal(t, 3, wraps)
	require.Equal(t, 10, calls)
}

// The chain is made when the registry is sealed: a call adds nothing to the heap, whatever is around it.
func TestMiddlewareAllocatesNothing(t *testing.T) {
	pass := through(func(ctx context.Context, call engine.Call, next engine.Next) ([]any, error) { return next(ctx, call) })
	cmd := engine.NewCommand("purse-1", deposit{})
	for _, n := range []int{0, 1, 5} {
		route := withAudit(t, func(r *engine.Registry) {
			for range n {
				r.Use(pass)
			}
		})
		handler, purse := &route.Handlers[0], route.NewAggregate()
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = handler.Call(t.Context(), cmd, cmd.Data) }), "%d", n)
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
			_, _ = purse.Decide(t.Context(), "purse.deposit", cmd, cmd.Data)
		}), 2.0, "%d: what the decision itself makes", n)
	}
}

func TestMiddlewareFaults(t *testing.T) {
	var s steps
	broken := s.noting("broken")
	broken.Err = io.EOF
	wraps := func(wrap func(engine.Next) engine.Next) engine.Middleware {
		return engine.Middleware{Name: "bad", Wrap: wrap}
	}
	for want, c := range map[string]struct {
		middleware engine.Middleware
		atSeal     bool
	}{
		`engine: middleware name is empty`:                        {middleware: engine.Middleware{Wrap: s.noting("x").Wrap}},
		`engine: middleware "bad" has no Wrap`:                    {middleware: engine.Middleware{Name: "bad"}},
		`engine: middleware "broken": EOF`:                        {middleware: broken},
		`engine: middleware "bad" wraps nothing around a handler`: {wraps(func(engine.Next) engine.Next { return nil }), true},
		`engine: middleware "bad": panic: no`:                     {wraps(func(engine.Next) engine.Next { panic("no") }), true},
	} {
		for name, use := range map[string]func(r *engine.Registry){
			"all": func(r *engine.Registry) { r.Use(c.middleware, s.noting("good")) },
			"one": func(r *engine.Registry) { r.UseFor("parcel.send", s.noting("good"), c.middleware) },
		} {
			r := engine.NewRegistry(parcels{})
			use(r)
			if !c.atSeal {
				require.EqualError(t, r.Err(), want, name)
			}
			require.EqualError(t, r.Seal(), want, name)
			require.EqualError(t, r.Seal(), want, "%s: once", name)
		}
		onBoth(t, engine.BusOptions{Use: []engine.Middleware{c.middleware}}, func(t *testing.T, bus engine.Bus) {
			err := bus.Subscribe("a", "h", func(context.Context, *engine.Message) error { return nil })
			require.EqualError(t, err, want)
		})
	}
}

func TestMiddlewareFaultsOfPlace(t *testing.T) {
	var s steps
	r := engine.NewRegistry(purse{})
	r.UseFor("purse.burn", s.noting("1"))
	r.UseFor("purse.deposited", s.noting("1"))
	err := r.Seal()
	require.EqualError(t, err, `engine: middleware is used for "purse.burn", which is no registered command; `+
		`engine: middleware is used for "purse.deposited", which is no registered command`)
	require.Equal(t, err, r.Seal(), "sealing twice adds nothing")

	sealed := engine.NewRegistry(purse{})
	require.NoError(t, sealed.Seal())
	sealed.Use(s.noting("late"))
	sealed.UseFor("purse.deposit", s.noting("late"))
	late := "engine: middleware used after the registry was sealed by a pipeline"
	require.EqualError(t, sealed.Err(), strings.Join([]string{late, late}, "; "))
	cmd := engine.NewCommand("purse-1", deposit{})
	route, err := sealed.Route(cmd)
	require.NoError(t, err)
	_, err = route.NewAggregate().Decide(t.Context(), "purse.deposit", cmd, cmd.Data)
	require.NoError(t, err)
	require.Empty(t, s.take(), "what comes late is around nothing")
}
