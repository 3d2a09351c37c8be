//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
	"github.com/orchestrix-go/orchestrix/sources"
)

// A status asks the process that runs. When that was killed it says that nobody runs, and the next run is asked again.
func TestStatusOfARun(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	for range 2 {
		child, said := startChild(t, store, "run", "--commands", "3000000", "--seed", "8", "--store", store)
		var got told
		require.Eventually(t, func() bool { // the second run finds the log of the first
			c := orchestrix(t, "", "status", "--store", store, "--json")
			require.Equal(t, 0, c.status, c.err)
			require.NoError(t, json.Unmarshal([]byte(c.out), &got), c.out)
			return got.Running && got.Status.Counts.Accepted > 0
		}, time.Minute, 5*time.Millisecond)
		require.Equal(t, child.Process.Pid, got.PID)
		require.Equal(t, 4096, got.Status.Window)
		c := orchestrix(t, "", "status", "--store", store)
		require.Contains(t, c.out, "running    process")
		require.Contains(t, c.out, "in flight")
		require.Contains(t, c.out, "in store   0 dead letters, 0 aggregates parked")
		require.NoError(t, child.Process.Signal(syscall.SIGKILL))
		_ = child.Wait()
		require.FileExists(t, socketOf(store), said)
		c = orchestrix(t, "", "status", "--store", store)
		require.Equal(t, 0, c.status, c.err)
		require.Contains(t, c.out, "nobody runs on "+store)
	}
	require.Equal(t, 0, orchestrix(t, "", "run", "--commands", "50", "--store", store).status)
	require.NoFileExists(t, socketOf(store))
}

// What hangs in a process is told by name. A status that is watched comes again.
func TestStatusTellsWhatHangs(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	gate := make(chan struct{}) // closed below, the handler receives; nobody sends
	registry := engine.NewRegistry(order.Module{})
	hanging := make(chan struct{}, 1) // the handler sends once, the test receives; room for it
	engine.OnCommand(registry, "order.create", "hangs", func(context.Context, *engine.Command, order.Create) ([]any, error) {
		hanging <- struct{}{}
		<-gate
		return nil, nil
	})
	db, err := sqlite.Open(t.Context(), store, sqlite.Options{Codec: registry})
	require.NoError(t, err)
	p, err := pipeline.New(registry, sinks.NewStore(db), pipeline.Options{})
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _, _ = p.Run(ctx) })
	stop := serveStatus(store, p, io.Discard)
	_, err = p.Send(ctx, engine.NewCommand("order-7", order.Create{Customer: "ada"}))
	require.NoError(t, err)
	<-hanging
	watching, enough := context.WithCancel(t.Context())
	out, errs := &lineCounter{most: 14, reached: enough}, &bytes.Buffer{}
	require.Equal(t, 0, execute(watching, []string{"status", "--watch", "--store", store}, streams{strings.NewReader(""), out, errs}), errs)
	require.Contains(t, out.String(), `oldest     "order-7" handler hangs for `)
	require.NotContains(t, out.String(), "in store")
	close(gate)
	end()
	running.Wait()
	stop()
	require.NoFileExists(t, socketOf(store))
	require.NoError(t, db.Close())
}

// A socket that cannot be made costs the status and not the run.
func TestStatusThatCannotBeServed(t *testing.T) {
	store := filepath.Join(t.TempDir(), strings.Repeat("long", 40)+".db")
	c := orchestrix(t, "", "run", "--commands", "50", "--store", store)
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.err, "no status is served")
}

// The letters in a store are counted by aggregate and by reason.
func TestStatusCountsLetters(t *testing.T) {
	store := memory.New()
	for i, name := range []string{"a", "b", "a", "c", "a"} {
		letter := engine.NewDeadLetter(engine.NewCommand(name, order.Create{}), errors.New("broken"))
		if name == "a" {
			letter.State = engine.Waiting
			if i == 0 {
				letter.State = engine.Parked
			}
		}
		results := store.Append(t.Context(), []engine.Append{{
			Aggregate: name, CommandID: letter.ID, Expected: engine.Never, Letter: letter,
		}})
		require.Positive(t, results[0].Letter, "%+v", results[0])
	}
	c, err := countLetters(t.Context(), store)
	require.NoError(t, err)
	require.Equal(t, &letterTotals{
		Letters: 5, Parked: 1,
		Aggregates: []letterTotal{{"a", 3, true}, {"b", 1, false}, {"c", 1, false}},
		Reasons:    []letterTotal{{"broken", 3, false}},
	}, c)
	var b strings.Builder
	c.print(&b)
	require.Contains(t, b.String(), "in store   5 dead letters, 1 aggregate parked\n           \"a\": 3, parked\n")
	require.Contains(t, b.String(), "3 dead letters for: broken")
}

// Letters of one handler that failed alike have one reason, in which its commands are not named.
func TestStatusCountsReasonsOfHandlers(t *testing.T) {
	store := memory.New()
	for _, name := range []string{"a", "b", "c"} {
		cmd := engine.NewCommand(name, order.Create{})
		cmd.Type = "order.create"
		letter := engine.NewDeadLetter(cmd, &engine.HandlerError{Type: cmd.Type, ID: cmd.ID, Handler: "mail", Err: errors.New("no answer")})
		results := store.Append(t.Context(), []engine.Append{{
			Aggregate: name, CommandID: letter.ID, Expected: engine.Never, Letter: letter,
		}})
		require.Positive(t, results[0].Letter, "%+v", results[0])
	}
	c, err := countLetters(t.Context(), store)
	require.NoError(t, err)
	require.Equal(t, []letterTotal{{"no answer", 3, false}}, c.Reasons)
	var b strings.Builder
	require.NoError(t, (&lettersListFlags{}).table(t.Context(), &b, store, sources.LetterFilter{}))
	require.Equal(t, 3, strings.Count(b.String(), "│ no answer "), b.String())
}

// What could not be read has no aggregate, and is told apart from one with an odd name.
func TestStatusOfUnreadableLetters(t *testing.T) {
	store := filepath.Join(t.TempDir(), "x.db")
	require.Equal(t, exitDeadLetters, orchestrix(t, "no command", "run", "--in", "-", "--store", store).status)
	c := orchestrix(t, "", "status", "--store", store)
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.out, "           (unreadable): 1\n           1 dead letter for: not a CloudEvents JSON object")
}

// The first signal ends the context, the second cuts what can be cut, or ends the program.
func TestSecondSignal(t *testing.T) {
	for _, cuts := range []bool{true, false} {
		s := &signals{got: make(chan os.Signal, 2)} // the test sends, handle receives; room for both
		ctx, over := context.WithCancel(context.WithValue(t.Context(), signalsKey{}, s))
		s.over = over
		cut, exit := 0, 0
		done := onSecond(ctx, func() { cut++ })
		if !cuts {
			done()
		}
		s.got <- syscall.SIGTERM
		s.got <- os.Interrupt
		var said strings.Builder
		s.handle(&said, func(status int) { exit = status })
		require.ErrorIs(t, ctx.Err(), context.Canceled)
		want := []int{0, exitInterrupted}
		if cuts {
			want = []int{1, 0}
		}
		require.Equal(t, want, []int{cut, exit})
		require.Equal(t, !cuts, strings.Contains(said.String(), "ended at once"), said.String())
	}
	require.NotPanics(t, onSecond(t.Context(), nil))
}
