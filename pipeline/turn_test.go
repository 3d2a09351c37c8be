package pipeline_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// counting counts the loads of a store that one caller at a time uses.
type counting struct {
	engine.Store
	loads int
}

func (c *counting) Load(ctx context.Context, aggregate string, from engine.Version) iter.Seq2[engine.Event, error] {
	c.loads++
	return c.Store.Load(ctx, aggregate, from)
}

type ping struct{}

// five registers five handlers of 1 ms for ping.
var five = module(func(r *engine.Registry) {
	for i := range 5 {
		name := fmt.Sprint("ping", i)
		engine.OnCommand(r, "ping", name, func(ctx context.Context, _ *engine.Command, _ ping) ([]any, error) {
			// The last registered is ready first: the join must restore the sequence of registration.
			return []any{seen{name}}, wait(ctx, time.Millisecond-time.Duration(i))
		})
	}
})

func TestFiveHandlersOfAMillisecondTakeAMillisecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		begin := time.Now()
		newBelt(t, store, pipeline.Options{}, five).feed(engine.NewCommand("a", ping{}))
		require.Equal(t, time.Millisecond, time.Since(begin))
		require.Equal(t, []any{seen{"ping0"}, seen{"ping1"}, seen{"ping2"}, seen{"ping3"}, seen{"ping4"}},
			payloads(stream(t, store, "a")), "events stand in registration sequence")
	})
}

func TestHundredMessagesOfFiveHandlers(t *testing.T) {
	for workers, want := range map[int]time.Duration{100: time.Millisecond, 5: 20 * time.Millisecond} {
		t.Run(fmt.Sprint("workers=", workers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var cmds []*engine.Command
				for i := range 100 {
					cmds = append(cmds, engine.NewCommand(fmt.Sprint("a", i), ping{}))
				}
				begin := time.Now()
				b := newBelt(t, memory.New(), pipeline.Options{Workers: workers}, five)
				require.Equal(t, 100, statuses(b.feed(cmds...))[engine.Accepted])
				require.Equal(t, want, time.Since(begin))
			})
		})
	}
}

// Stateless commands of one aggregate overlap, up to a batch, and their events stand in sequence all the same.
func TestStatelessCommandsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cmds []*engine.Command
		for i := range 100 { // the later, the faster
			cmds = append(cmds, engine.NewCommand("a", note{Waits: []time.Duration{time.Duration(100-i) * time.Millisecond}}))
		}
		begin := time.Now()
		store := memory.New()
		for i, o := range newBelt(t, store, pipeline.Options{Workers: 1}).feed(cmds...) {
			require.EqualValues(t, 2*i+1, o.First)
		}
		require.Equal(t, 100*time.Millisecond, time.Since(begin))
	})
}

// Each fault costs its own command and nothing else: not the worker, not the lane, not the state.
func TestFailuresAreDeadLettered(t *testing.T) {
	for name, c := range map[string]struct {
		data  any
		panic bool
	}{
		"handler error":     {data: note{Fault: handlerFails}},
		"handler panic":     {data: note{Fault: handlerPanics}, panic: true},
		"behind a decider":  {data: mix{Fault: handlerPanics, Amounts: []int{7}}, panic: true},
		"decider error":     {data: put{Fault: deciderFails}},
		"decider panic":     {data: put{Fault: deciderPanics}, panic: true},
		"evolve panic":      {data: put{Fault: evolvePanics}, panic: true},
		"evolve panic, mix": {data: mix{Fault: evolvePanics}, panic: true},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			cmds := puts("a", 20)
			cmds[7], cmds[8], cmds[19] = engine.NewCommand("a", c.data), engine.NewCommand("a", c.data), engine.NewCommand("a", c.data)
			outcomes := newBelt(t, store, pipeline.Options{Workers: 1}).feed(cmds...)
			require.Equal(t, map[engine.Status]int{engine.Accepted: 17, engine.DeadLettered: 3}, statuses(outcomes))
			for _, i := range []int{7, 8, 19} {
				require.Equal(t, engine.DeadLettered, outcomes[i].Status)
				err := outcomes[i].Failure()
				require.ErrorIs(t, err, errBroken)
				var handler *engine.HandlerError
				require.ErrorAs(t, err, &handler)
				var p *engine.PanicError
				require.Equal(t, c.panic, asError(err, &p))
				if c.panic {
					require.Contains(t, string(p.Stack), "main_test.go", "the stack shows where")
				}
			}
			require.Equal(t, 17, balanceOf(t, store, "a"))
		})
	}
}

func TestRejectionsAreStored(t *testing.T) {
	store := memory.New()
	over := engine.NewCommand("a", put{Amounts: []int{-5}})
	byHandler := engine.NewCommand("a", mix{Fault: handlerRejects, Amounts: []int{3}})
	first := newBelt(t, store, pipeline.Options{}).feed(over, byHandler)
	require.Equal(t, engine.Rejected, first[0].Status)
	require.Equal(t, "balance would be -5", first[0].Reason)
	require.Equal(t, "handler 1 says no", first[1].Reason)
	require.ErrorIs(t, first[1].Failure(), engine.ErrRejected)
	require.Empty(t, wholeLog(t, store))

	// The account has enough now, but the answer to those commands is given.
	cmds := append(puts("a", 9), fresh(over), fresh(byHandler))
	again := newBelt(t, store, pipeline.Options{}).feed(cmds...)
	for i, o := range again[9:] {
		want := first[i]
		want.Repeated = true
		require.Equal(t, want, o)
	}
	require.Equal(t, 9, balanceOf(t, store, "a"))
}

// fresh is the same command as somebody would send it again.
func fresh(cmd *engine.Command) *engine.Command {
	return &engine.Command{Message: cmd.Message}
}

type refuse struct{ Reason string }

// A rejection without a reason is a rejection still.
func TestRejectionWithoutReason(t *testing.T) {
	b := newBelt(t, memory.New(), pipeline.Options{}, module(func(r *engine.Registry) {
		engine.OnCommand(r, "refuse", "no", func(_ context.Context, _ *engine.Command, c refuse) ([]any, error) {
			return nil, engine.Reject("%s", c.Reason)
		})
	}))
	outcomes := b.feed(engine.NewCommand("a", refuse{}), engine.NewCommand("a", refuse{"so"}),
		engine.NewCommand("a", refuse{strings.Repeat("x", engine.MaxAppendBytes+1)}))
	require.Equal(t, engine.Rejected, outcomes[0].Status)
	require.NotEmpty(t, outcomes[0].Reason)
	require.Equal(t, "so", outcomes[1].Reason)
	require.ErrorIs(t, outcomes[2].Err, engine.ErrLimit)
}

// A failure weighs more than a rejection: what failed may have refused too.
func TestFailureBesideRejection(t *testing.T) {
	b := newBelt(t, memory.New(), pipeline.Options{}, module(func(r *engine.Registry) {
		for name, err := range map[string]error{"no": engine.Reject("no"), "broken": errBroken} {
			engine.OnCommand(r, "ping", name, func(context.Context, *engine.Command, ping) ([]any, error) { return nil, err })
		}
	}))
	require.ErrorIs(t, b.feed(engine.NewCommand("a", ping{}))[0].Err, errBroken)
}

// Stateless commands and a decider's on one aggregate: the decider sees all of it.
func TestMixedCommandsOfOneAggregate(t *testing.T) {
	for _, batch := range []int{1, 3, 256} {
		store := memory.New()
		var cmds []*engine.Command
		for range 50 {
			cmds = append(cmds, engine.NewCommand("a", note{}), engine.NewCommand("a", put{Amounts: []int{2, -1}}),
				engine.NewCommand("a", mix{Amounts: []int{1}}))
		}
		b := newBelt(t, store, pipeline.Options{Batch: batch})
		require.Equal(t, 150, statuses(b.feed(cmds...))[engine.Accepted])
		require.Equal(t, 100, balanceOf(t, store, "a"))
		require.Equal(t, 50*(2+2+4), b.report.Events)
	}
}

// Commands that cannot be handled at all.
func TestCommandsThatAreNone(t *testing.T) {
	raw := func(typ, data string) *engine.Command {
		cmd := engine.NewCommand("a", engine.Raw(data))
		cmd.Type = typ
		return cmd
	}
	anonymous := engine.NewCommand("a", put{})
	anonymous.ID = engine.ID{}
	for name, c := range map[string]struct {
		cmd  *engine.Command
		want string
	}{
		"no id":           {anonymous, "no id"},
		"no subject":      {engine.NewCommand("", put{}), "subject (the aggregate id) is empty"},
		"hostile subject": {engine.NewCommand("a\x00'; DROP TABLE events", put{}), "control character"},
		"long subject":    {engine.NewCommand(strings.Repeat("x", 256), put{}), "256 bytes"},
		"invalid UTF-8":   {engine.NewCommand("\xff", put{}), "not valid UTF-8"},
		"no type":         {engine.NewCommand("a", engine.Raw("{}")), "type is not registered"},
		"nil payload":     {engine.NewCommand("a", nil), "type is not registered"},
		"foreign payload": {engine.NewCommand("a", 17), "type is not registered: Go type int"},
		"an event":        {engine.NewCommand("a", added{}), "is an event"},
		"unknown type":    {raw("nothing", "{}"), `type is not registered: "nothing"`},
		"unknown field":   {raw("put", `{"Amuonts":[1]}`), "cannot be read"},
		"not JSON":        {raw("put", "\x00"), "cannot be read"},
		"other payload":   {&engine.Command{Message: engine.Message{ID: engine.NewID(), Type: "put", Subject: "a", Data: note{}}}, "want a"},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			good := engine.NewCommand(c.cmd.Subject, put{Amounts: []int{1}})
			outcomes := newBelt(t, store, pipeline.Options{}).feed(engine.NewCommand("a", put{Amounts: []int{1}}), c.cmd, good)
			require.Equal(t, engine.DeadLettered, outcomes[1].Status)
			require.ErrorContains(t, outcomes[1].Err, c.want)
			require.Equal(t, engine.Accepted, outcomes[0].Status)
		})
	}
}

func TestRawPayloadsAreDecoded(t *testing.T) {
	store := memory.New()
	cmd := engine.NewCommand("a", engine.Raw(`{"Amounts":[3,4]}`))
	cmd.Type = "put"
	newBelt(t, store, pipeline.Options{}).feed(cmd)
	require.Equal(t, 7, balanceOf(t, store, "a"))
}

// A handler or decider that ends its goroutine instead of returning, as testify's require does on a failure.
func TestGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exits := module(func(r *engine.Registry) {
			engine.OnCommand(r, "ping", "exits", func(context.Context, *engine.Command, ping) ([]any, error) {
				runtime.Goexit()
				return nil, nil
			})
			engine.OnCommand(r, "ping", "returns", func(context.Context, *engine.Command, ping) ([]any, error) { return nil, nil })
		})
		o := newBelt(t, memory.New(), pipeline.Options{}, exits).feed(engine.NewCommand("a", ping{}))[0]
		require.Equal(t, engine.DeadLettered, o.Status)
	})
}
