package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sources"
)

// module lets a test register what it needs in a function.
type module func(r *engine.Registry)

func (m module) Register(r *engine.Registry) { m(r) }

// once is the policy that attempts nothing again.
var once = pipeline.RetryPolicy{Attempts: 1}

// belt is a pipeline on a store, as most tests need it.
type belt struct {
	*pipeline.Pipeline
	t     testing.TB
	store engine.Store
	sink  *sinks.Store
	stop  context.CancelFunc
	ended chan struct{} // start's goroutine closes it when report and err are set; nobody sends

	report pipeline.Report
	err    error
}

// newBelt makes a pipeline for the account domain and what else the modules register.
func newBelt(t testing.TB, store engine.Store, options pipeline.Options, modules ...engine.Module) *belt {
	t.Helper()
	b := &belt{t: t, store: store, sink: sinks.NewStore(store), ended: make(chan struct{})}
	var err error
	registry := engine.NewRegistry(append(modules, account{})...)
	b.Pipeline, err = pipeline.New(registry, b.sink, options)
	require.NoError(t, err)
	return b
}

// feed runs the belt over the commands and gives their outcomes.
func (b *belt) feed(cmds ...*engine.Command) []engine.Outcome {
	b.t.Helper()
	outcomes := watch(cmds...)
	b.report, b.err = b.Run(context.Background(), sources.Slice(cmds))
	require.NoError(b.t, b.err)
	return outcomes()
}

// start runs the belt in the background, for tests that submit by themselves. End must be called.
func (b *belt) start() *belt {
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	go func() { // owned by end, which waits
		defer close(b.ended)
		b.report, b.err = b.Run(ctx)
	}()
	return b
}

// end stops the belt in the regular way and waits.
func (b *belt) end() pipeline.Report {
	b.t.Helper()
	b.stop()
	<-b.ended
	require.NoError(b.t, b.err)
	return b.report
}

// watch hooks into the commands' Settled. The func it gives tells the outcomes after the run; a command without one, or
// with two, has a zero outcome or panics in Settled.
func watch(cmds ...*engine.Command) func() []engine.Outcome {
	outcomes := make([]engine.Outcome, len(cmds))
	for i, cmd := range cmds {
		settled := cmd.Settled
		cmd.Settled = func(o engine.Outcome) {
			if outcomes[i].Status != 0 {
				o.Status, o.Reason = 99, "told twice"
			}
			outcomes[i] = o
			if settled != nil {
				settled(o)
			}
		}
	}
	return func() []engine.Outcome { return outcomes }
}

// statuses counts outcomes by status.
func statuses(outcomes []engine.Outcome) map[engine.Status]int {
	n := map[engine.Status]int{}
	for _, o := range outcomes {
		n[o.Status]++
	}
	return n
}

// puts makes n commands for one aggregate that add 1 each.
func puts(aggregate string, n int) []*engine.Command {
	cmds := make([]*engine.Command, n)
	for i := range cmds {
		cmds[i] = engine.NewCommand(aggregate, put{Amounts: []int{1}})
	}
	return cmds
}

// balanceOf folds an aggregate by hand, and checks that each event was decided on the state before it.
func balanceOf(t testing.TB, store engine.Store, aggregate string) int {
	t.Helper()
	balance := 0
	for i, e := range stream(t, store, aggregate) {
		require.EqualValues(t, i+1, e.Version)
		if a, ok := e.Data.(added); ok {
			balance += a.Amount
			if !e.CausationID.IsZero() { // not the other writer's
				require.Equal(t, balance, a.After, "decided on a state that is not the stored one")
			}
		}
	}
	return balance
}

// storeFuncs is a store with some methods replaced.
type storeFuncs struct {
	engine.Store
	append func(ctx context.Context, batch []engine.Append) []engine.Result
}

func (s storeFuncs) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	return s.append(ctx, batch)
}

// cancelledAfter is context.WithTimeout without time.AfterFunc: see raceDetector.
func cancelledAfter(d time.Duration) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends when d is over
		time.Sleep(d)
		cancel()
	}()
	return ctx
}

// tamper gives the Append of a store that changes what the one behind answers.
func tamper(behind engine.Store, change func(*engine.Result)) func(context.Context, []engine.Append) []engine.Result {
	return func(ctx context.Context, batch []engine.Append) []engine.Result {
		results := behind.Append(ctx, batch)
		for i := range results {
			change(&results[i])
		}
		return results
	}
}
