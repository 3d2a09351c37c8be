package pipeline_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reugn/go-streams"
	"github.com/reugn/go-streams/extension"
	"github.com/reugn/go-streams/flow"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// endless gives a channel that offers slow commands for ever, and tells how many were taken.
func endless(ctx context.Context) (<-chan any, func() int) {
	ch, taken := make(chan any), 0 // a goroutine of this function sends and closes, the belt receives; unbuffered: taken means read
	var mu sync.Mutex
	go func() {
		defer close(ch)
		for i := 0; ; i++ {
			select {
			case ch <- engine.NewCommand(fmt.Sprint("a", i), note{Waits: []time.Duration{time.Hour}}):
				mu.Lock()
				taken++
				mu.Unlock()
			case <-ctx.Done():
				return
			}
		}
	}()
	return ch, func() int {
		mu.Lock()
		defer mu.Unlock()
		return taken
	}
}

// When the window is full nothing is read, except what is on its way already.
func TestFullWindowIsNotFed(t *testing.T) {
	const window = 10
	for name, source := range map[string]func(ch <-chan any) streams.Outlet{
		"foreign source": func(ch <-chan any) streams.Outlet { return foreign{ch} },
		"feeder":         func(ch <-chan any) streams.Outlet { return sources.Chan(ch) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				ch, taken := endless(ctx)
				b := newBelt(t, memory.New(), pipeline.Options{Window: window, DrainTimeout: time.Second})
				go func() {
					defer close(b.ended)
					b.report, b.err = b.Run(ctx, source(ch))
				}()
				time.Sleep(time.Minute)
				require.Equal(t, window, b.Report().InFlight)
				require.GreaterOrEqual(t, taken(), window)
				require.LessOrEqual(t, taken(), window+256, "what one read may hold")
				cancel()
				<-b.ended
				require.ErrorIs(t, b.err, pipeline.ErrStopped)
				require.Equal(t, taken(), b.report.Commands, "what was read has an outcome")
				require.Zero(t, b.report.InFlight)
			})
		})
	}
}

// foreign is an outlet and nothing more.
type foreign struct{ out <-chan any }

func (f foreign) Out() <-chan any                     { return f.out }
func (f foreign) Via(stage streams.Flow) streams.Flow { return stage }

// What is no command becomes a dead letter, never a panic.
func TestForeignElements(t *testing.T) {
	for name, source := range map[string]func(ch chan any) streams.Outlet{
		"chan source of go-streams": func(ch chan any) streams.Outlet { return extension.NewChanSource(ch) },
		"chan":                      func(ch chan any) streams.Outlet { return sources.Chan(ch) },
		"chain":                     func(ch chan any) streams.Outlet { return sources.Chan(ch).Via(flow.NewPassThrough()) },
	} {
		t.Run(name, func(t *testing.T) {
			elements := []any{
				nil, 17, "text", (*engine.Command)(nil),
				engine.Event{},
				[]byte(nil), error(nil),
				struct{ X func() }{},
				engine.NewCommand("a", put{Amounts: []int{1}}), *engine.NewCommand("a", put{Amounts: []int{1}}),
			}
			ch := make(chan any, len(elements)) // filled and closed here, the source receives; room for all
			for _, e := range elements {
				ch <- e
			}
			close(ch)
			store := memory.New()
			b := newBelt(t, store, pipeline.Options{})
			report, err := b.Run(t.Context(), source(ch))
			require.NoError(t, err)
			require.Equal(t, pipeline.Counts{Commands: 10, Accepted: 2, DeadLettered: 8, Events: 2}, report.Counts)
		})
	}
}

// feeder feeds what a function says.
type feeder struct {
	foreign
	feed func(ctx context.Context, emit func([]*engine.Command) error) error
}

func (f feeder) Feed(ctx context.Context, emit func([]*engine.Command) error) error {
	return f.feed(ctx, emit)
}

// A feeder may reuse its slice, give nothing, or hand over nil.
func TestForeignFeeder(t *testing.T) {
	b := newBelt(t, memory.New(), pipeline.Options{Window: 3})
	report, err := b.Run(t.Context(), feeder{feed: func(_ context.Context, emit func([]*engine.Command) error) error {
		slice := make([]*engine.Command, 10)
		for range 5 {
			copy(slice, puts("a", 9)) // and a nil
			if err := emit(slice); err != nil {
				return err
			}
			clear(slice)
			if err := emit(nil); err != nil {
				return err
			}
		}
		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, pipeline.Counts{Commands: 50, Accepted: 45, DeadLettered: 5, Events: 45}, report.Counts)
}

// Sources side by side: each keeps its own sequence; one that breaks is told when all is drained.
func TestSeveralSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		b := newBelt(t, store, pipeline.Options{Window: 20})
		var from []streams.Outlet
		place := map[engine.ID][2]int{} // source, number
		for source := range 4 {
			cmds := puts("a", 100)
			for i, cmd := range cmds {
				place[cmd.ID] = [2]int{source, i}
			}
			from = append(from, sources.Slice(cmds))
		}
		broken := feeder{feed: func(_ context.Context, emit func([]*engine.Command) error) error {
			if err := emit(puts("b", 3)); err != nil {
				return err
			}
			return errBroken
		}}
		report, err := b.Run(t.Context(), append(from, broken)...)
		require.ErrorIs(t, err, errBroken)
		require.Equal(t, 403, report.Accepted)
		next := [4]int{}
		for _, e := range stream(t, store, "a") {
			p := place[e.CausationID]
			require.Equal(t, next[p[0]], p[1])
			next[p[0]]++
		}
	})
}

// A source behind stock stages tells its error too.
func TestChainThatBreaks(t *testing.T) {
	b := newBelt(t, memory.New(), pipeline.Options{})
	report, err := b.Run(t.Context(), sources.Seq2(func(yield func(*engine.Command, error) bool) {
		for _, cmd := range puts("a", 10) {
			yield(cmd, nil)
		}
		yield(nil, errBroken)
	}).Via(flow.NewPassThrough()))
	require.ErrorIs(t, err, errBroken)
	require.Equal(t, 10, report.Accepted)
}
