package pipeline_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// Middleware that panics or ends its goroutine costs the command it was around, whether that had run or not: nothing of
// it is stored, and the commands behind it and beside it do not notice.
func TestMiddlewareCostsOneCommand(t *testing.T) {
	breaks := map[string]func(){"panics": func() { panic("boom") }, "exits": runtime.Goexit}
	for name, br := range breaks {
		for _, around := range []string{"h1", "account"} {
			for _, ran := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%v", name, around, ran), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						var poison engine.ID
						wild := engine.Middleware{Name: "wild", Wrap: func(next engine.Next) engine.Next {
							return func(ctx context.Context, call engine.Call) ([]any, error) {
								bad := call.Handler == around && call.Message.ID == poison
								if bad && !ran {
									br()
								}
								events, err := next(ctx, call)
								if bad {
									br()
								}
								return events, err
							}
						}}
						var cmds []*engine.Command
						for i := range 40 {
							cmds = append(cmds, engine.NewCommand([]string{"a", "b"}[i%2], mix{Amounts: []int{1}}))
						}
						poison = cmds[10].ID
						store := memory.New()
						use := module(func(r *engine.Registry) { r.Use(wild) })
						outcomes := newBelt(t, store, pipeline.Options{Workers: 2, Batch: 8}, use).feed(cmds...)
						for i, o := range outcomes {
							want := engine.Accepted
							if i == 10 {
								want = engine.DeadLettered
								require.Contains(t, o.Err.Error(), map[string]string{"panics": "boom", "exits": "Goexit"}[name])
							}
							require.Equal(t, want, o.Status, "%d: %v", i, o.Err)
						}
						require.Equal(t, 19, balanceOf(t, store, "a"))
						require.Equal(t, 20, balanceOf(t, store, "b"))
						require.False(t, slices.ContainsFunc(wholeLog(t, store), func(e engine.Event) bool {
							return e.CausationID == poison
						}), "nothing is stored of it")
					})
				})
			}
		}
	}
}
