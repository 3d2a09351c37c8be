package pipeline_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

type leave struct{ Where string }

type stayed struct{ Where string }

// exiting is a domain in which the code that the command names ends its goroutine, as a failed require does.
func exiting() *engine.Registry {
	r := engine.NewRegistry()
	handler := func(name string) func(context.Context, *engine.Command, leave) ([]any, error) {
		return func(_ context.Context, _ *engine.Command, l leave) ([]any, error) {
			if l.Where == name {
				runtime.Goexit()
			}
			return nil, nil
		}
	}
	engine.OnCommand(r, "leave", "first", handler("first"))
	engine.OnCommand(r, "leave", "last", handler("last"))
	d := engine.NewDecider(r, "leaver", func() int { return 0 })
	engine.Decide(d, "leave", func(_ context.Context, _ int, l leave) ([]any, error) {
		if l.Where == "decider" {
			runtime.Goexit()
		}
		return []any{stayed(l)}, nil
	})
	engine.Evolve(d, "stayed", func(n int, _ stayed) int { return n + 1 })
	return r
}

// Code that ends its goroutine costs its command and nothing else: no worker, no lane, no other command.
func TestGoexitCostsOneCommand(t *testing.T) {
	for _, where := range []string{"first", "last", "decider"} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var cmds []*engine.Command
				var failed atomic.Int32
				for i := range 300 {
					place := "nowhere"
					if i%10 == 3 {
						place = where
					}
					cmd := engine.NewCommand("leaver-"+string(rune('a'+i%3)), leave{place})
					cmd.Settled = func(o engine.Outcome) {
						if o.Status == engine.DeadLettered {
							require.Contains(t, o.Err.Error(), "Goexit")
							require.Equal(t, where, cmd.Data.(leave).Where)
							failed.Add(1)
						}
					}
					cmds = append(cmds, cmd)
				}
				store := memory.New()
				p, err := pipeline.New(exiting(), sinks.NewStore(store), pipeline.Options{Workers: 2, Batch: 16})
				require.NoError(t, err)
				report, err := p.Run(t.Context(), sources.Slice(cmds))
				require.NoError(t, err)
				require.Equal(t, 270, report.Accepted)
				require.Equal(t, 30, report.DeadLettered)
				require.Equal(t, 270, report.Events)
				require.EqualValues(t, 30, failed.Load())
				require.True(t, report.Sequence.OK())
			})
		})
	}
}

// A panic is a failure even when its value is a rejection.
func TestPanicIsNoRejection(t *testing.T) {
	r := engine.NewRegistry()
	engine.OnCommand(r, "leave", "thrower", func(context.Context, *engine.Command, leave) ([]any, error) {
		panic(engine.Reject("thrown"))
	})
	p, err := pipeline.New(r, sinks.NewStore(memory.New()), pipeline.Options{})
	require.NoError(t, err)
	report, err := p.Run(t.Context(), sources.Slice([]*engine.Command{engine.NewCommand("a", leave{})}))
	require.NoError(t, err)
	require.Equal(t, 1, report.DeadLettered)
}

// Bound to a command's content: a stored id that says something else is refused.
func TestReusedIDIsDeadLettered(t *testing.T) {
	store := encoding{memory.New()}
	say := func(where string, id engine.ID) engine.Outcome {
		cmd := engine.NewCommand("leaver", leave{where})
		cmd.ID = id
		var outcome engine.Outcome
		cmd.Settled = func(o engine.Outcome) { outcome = o }
		p, err := pipeline.New(exiting(), sinks.NewStore(store), pipeline.Options{})
		require.NoError(t, err)
		_, err = p.Run(t.Context(), sources.Slice([]*engine.Command{cmd}))
		require.NoError(t, err)
		return outcome
	}
	id := engine.NewID()
	require.Equal(t, engine.Accepted, say("here", id).Status)
	require.True(t, say("here", id).Repeated)
	other := say("there", id)
	require.Equal(t, engine.DeadLettered, other.Status)
	require.ErrorIs(t, other.Err, engine.ErrReused)
	require.True(t, strings.Contains(other.Err.Error(), id.String()) && !errors.Is(other.Err, engine.ErrConflict))
}

// encoding is a store that says it keeps payloads as bytes, so that the pipeline gives a digest.
type encoding struct{ *memory.Store }

func (encoding) EncodePayloads([]engine.Event) error { return nil }
