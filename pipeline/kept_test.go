package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// forgetful is a memory store that keeps no payload.
type forgetful struct {
	engine.Store
	instant bool
}

func (f forgetful) Capabilities() engine.Capabilities {
	c := f.Store.Capabilities()
	c.Instant = f.instant
	return c
}

func (f forgetful) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	copies := append([]engine.Append(nil), batch...)
	for i := range copies {
		copies[i].Events = append([]engine.Event(nil), copies[i].Events...)
		for j := range copies[i].Events {
			copies[i].Events[j].Data = seen{}
		}
	}
	return f.Store.Append(ctx, copies)
}

// body is what a payload holds, large enough to have a place of its own in memory.
type body struct{ _ [256]byte }

// cargo is a command with a body, from which its code makes so many events with a body each.
type cargo struct {
	Body   *body
	Events int
	Fault  fault
}

type (
	carry   cargo // the decider alone
	haul    cargo // two handlers
	deliver cargo // a handler, then the decider, then a handler
	shipped struct{ Body *body }
)

// freight is a domain that remembers, weakly, every body there ever was.
type freight struct {
	mu     sync.Mutex
	bodies []weak.Pointer[body]
}

func (f *freight) newBody() *body {
	b := new(body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bodies = append(f.bodies, weak.Make(b))
	return b
}

// alive counts the bodies that somebody holds.
func (f *freight) alive() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.bodies {
		if b.Value() != nil {
			n++
		}
	}
	return n
}

func (f *freight) ship(c cargo) (events []any, err error) {
	switch c.Fault {
	case handlerFails:
		return nil, errors.New("no freight")
	case handlerPanics:
		panic("no freight")
	case handlerRejects:
		return nil, engine.Reject("no freight")
	}
	for range c.Events {
		events = append(events, shipped{f.newBody()})
	}
	if c.Fault == evolvePanics {
		events = append(events, bomb{})
	}
	return events, nil
}

func (f *freight) Register(r *engine.Registry) {
	d := engine.NewDecider(r, "freight", func() int { return 0 })
	handle := func(c cargo) ([]any, error) { return f.ship(c) }
	for _, name := range []string{"h0", "h1"} {
		engine.OnCommand(r, "haul", name, func(_ context.Context, _ *engine.Command, c haul) ([]any, error) { return handle(cargo(c)) })
	}
	engine.OnCommand(r, "deliver", "h0", func(_ context.Context, _ *engine.Command, c deliver) ([]any, error) { return handle(cargo(c)) })
	engine.Decide(d, "carry", func(_ context.Context, _ int, c carry) ([]any, error) { return f.ship(cargo(c)) })
	engine.Decide(d, "deliver", func(_ context.Context, _ int, c deliver) ([]any, error) { return f.ship(cargo(c)) })
	engine.OnCommand(r, "deliver", "h1", func(_ context.Context, _ *engine.Command, c deliver) ([]any, error) { return handle(cargo(c)) })
	engine.Evolve(d, "shipped", func(n int, _ shipped) int { return n + 1 })
	engine.Evolve(d, "bomb", func(int, bomb) int { panic("no freight") })
}

// load makes commands of all kinds; some fail, some are there twice.
func (f *freight) load(n int) []*engine.Command {
	var cmds []*engine.Command
	for i := range n {
		c := cargo{Body: f.newBody(), Events: i % 7}
		if i%11 == 5 {
			c.Fault = []fault{handlerFails, handlerPanics, handlerRejects, evolvePanics}[i%4]
		}
		data := []any{carry(c), haul(c), deliver(c)}[i%3]
		if _, stateless := data.(haul); stateless && c.Fault == evolvePanics {
			data = carry(c)
		}
		cmds = append(cmds, engine.NewCommand(fmt.Sprint("a", i*i%23), data))
		if i%13 == 0 {
			cmds = append(cmds, fresh(cmds[len(cmds)-1]))
		}
	}
	return cmds
}

// submit sends cargo, all at once, and waits for what becomes of it.
//
//go:noinline
func (f *freight) submit(t *testing.T, b *belt, n int) {
	var receipts []*pipeline.Receipt
	for _, cmd := range f.load(n) {
		r, err := b.Send(t.Context(), cmd)
		require.NoError(t, err)
		receipts = append(receipts, r)
	}
	for _, r := range receipts {
		_, err := r.Wait(t.Context())
		require.NoError(t, err)
	}
}

// A pipeline that is idle holds no payload of a command or an event that is done, and neither does one that has ended.
func TestNothingIsKept(t *testing.T) {
	for _, instant := range []bool{true, false} {
		for _, size := range []int{2, 3000} {
			t.Run(fmt.Sprint("instant=", instant, "/commands=", size), func(t *testing.T) {
				f := &freight{}
				b := newBelt(t, forgetful{memory.New(), instant}, pipeline.Options{Batch: 16}, f).start()
				for range 5 {
					f.submit(t, b, size)
				}
				f.requireNoneAlive(t, "while the pipeline is idle")
				b.end()
				f.requireNoneAlive(t, "when the pipeline has ended")
				runtime.KeepAlive(b)
			})
		}
	}
}

// requireNoneAlive collects garbage until no body is left. What rests in a pool needs two rounds, and what a goroutine
// that is just ending has on its stack needs one more.
func (f *freight) requireNoneAlive(t *testing.T, when string) {
	t.Helper()
	for range 20 {
		if runtime.GC(); f.alive() == 0 {
			return
		}
		runtime.Gosched()
	}
	require.Zero(t, f.alive(), "of %d, %s", len(f.bodies), when)
}

// A pipeline that has ended is garbage, and its store with it, as soon as nobody else holds them: what serves again, in a
// pool, must hold neither, for a pool outlives a collection.
func TestNoPoolKeepsAPipeline(t *testing.T) {
	var p weak.Pointer[pipeline.Pipeline]
	var store weak.Pointer[memory.Store]
	synctest.Test(t, func(t *testing.T) { p, store = runOne(t) }) // Test waits until all goroutines have ended
	runtime.GC()                                                  // once: a second one empties every pool
	require.True(t, p.Value() == nil, "the pipeline")
	require.True(t, store.Value() == nil, "its store")
}

// runOne runs a pipeline to its end, and gives it and its store.
//
//go:noinline
func runOne(t *testing.T) (weak.Pointer[pipeline.Pipeline], weak.Pointer[memory.Store]) {
	f, store, registry := &freight{}, memory.New(), engine.NewRegistry()
	f.Register(registry)
	p, err := pipeline.New(registry, sinks.NewStore(store), pipeline.Options{})
	require.NoError(t, err)
	_, err = p.Run(t.Context(), sources.Slice(f.load(100)))
	require.NoError(t, err)
	return weak.Make(p), weak.Make(store)
}
