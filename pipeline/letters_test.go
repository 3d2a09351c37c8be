package pipeline_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
	"github.com/orchestrix-go/orchestrix/sources"
)

// letterStores are the stores that keep dead letters.
func letterStores(t *testing.T, run func(t *testing.T, store engine.DeadLetterStore)) {
	t.Run("memory", func(t *testing.T) { run(t, memory.New()) })
	t.Run("sqlite", func(t *testing.T) {
		registry := engine.NewRegistry(newVisits(nil), account{}) // only as the codec
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "events.db"), sqlite.Options{Codec: registry})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		run(t, store)
	})
}

// What the sink of dead letters is told has the number that the letter has in the store, and is else the same.
func TestDeadLettersRestInTheStore(t *testing.T) {
	letterStores(t, func(t *testing.T, store engine.DeadLetterStore) {
		told := map[engine.ID]*engine.DeadLetter{}
		sink := sinks.Func(func(l *engine.DeadLetter) error { told[l.ID] = l; return nil })
		cmds := puts("a", 20)
		for i := 0; i < len(cmds); i += 2 {
			cmds[i] = engine.NewCommand("b", note{Fault: handlerFails})
		}
		cmds = append(cmds, &engine.Command{Message: engine.Message{Data: engine.Raw("{half")}, Defect: errBroken, Origin: "x:1"})
		newBelt(t, store, pipeline.Options{DeadLetters: sink, Retry: once}).feed(cmds...)
		n := 0
		for letter, err := range store.DeadLetters(t.Context(), 0) {
			require.NoError(t, err)
			n++
			require.Equal(t, told[letter.ID].Number, letter.Number)
			require.Equal(t, told[letter.ID].Reason(), letter.Reason())
			require.Equal(t, told[letter.ID].Attempts, letter.Attempts)
			require.Equal(t, told[letter.ID].Handler, letter.Handler)
		}
		require.Equal(t, 11, n)
		require.Len(t, told, 11)
	})
}

// A parked aggregate keeps its commands back, in their sequence, through a belt that is made anew; a replay after the fault
// was repaired stores all of them, in that sequence, and nothing is left.
func TestParkedInEachStore(t *testing.T) {
	letterStores(t, func(t *testing.T, store engine.DeadLetterStore) {
		var mu sync.Mutex
		broken := true
		visits := newVisits(func(_, name string, _ int) error {
			mu.Lock()
			defer mu.Unlock()
			if broken && name == "3" {
				return errBroken
			}
			return nil
		})
		options := pipeline.Options{Policy: pipeline.Park, Retry: once}
		cmds, ids := []*engine.Command{}, []engine.ID{}
		for _, name := range []string{"1", "2", "3", "4", "5", "6"} {
			cmd := engine.NewCommand("a", visit{name})
			cmds, ids = append(cmds, cmd, engine.NewCommand("b", visit{name + "b"})), append(ids, cmd.ID)
		}
		outcomes := newBelt(t, store, options, visits).feed(cmds[:10]...)
		outcomes = append(outcomes, newBelt(t, store, options, visits).feed(cmds[10:]...)...)
		for i, o := range outcomes {
			switch {
			case i%2 == 1 || i < 4:
				require.Equal(t, engine.Accepted, o.Status, i)
			case i == 4:
				require.ErrorIs(t, o.Err, errBroken)
			default:
				require.ErrorIs(t, o.Err, pipeline.ErrParked, i)
			}
		}
		letters, parked := store.CountDeadLetters()
		require.Equal(t, []int{4, 1}, []int{letters, parked})

		replay := func() pipeline.Report {
			b := newBelt(t, store, options, visits)
			report, err := b.Run(t.Context(), sources.DeadLetters(store, sources.LetterFilter{IDs: ids[2:3]}))
			require.NoError(t, err)
			return report
		}
		require.Equal(t, 4, replay().DeadLettered, "nothing moves while the fault is there")
		letters, parked = store.CountDeadLetters()
		require.Equal(t, []int{4, 1}, []int{letters, parked})
		mu.Lock()
		broken = false
		mu.Unlock()
		require.Equal(t, 4, replay().Accepted)
		letters, parked = store.CountDeadLetters()
		require.Equal(t, []int{0, 0}, []int{letters, parked})
		var causes []engine.ID
		for _, event := range stream(t, store, "a") {
			if len(causes) == 0 || causes[len(causes)-1] != event.CausationID {
				causes = append(causes, event.CausationID)
			}
		}
		require.Equal(t, ids, causes, "the commands of the aggregate are stored in the sequence in which they came")
	})
}

// A command that fails under the id of another one is told, and ends nothing: there may be many of them.
func TestReusedIDsDoNotEndTheRun(t *testing.T) {
	letterStores(t, func(t *testing.T, store engine.DeadLetterStore) {
		told := 0
		sink := sinks.Func(func(l *engine.DeadLetter) error {
			require.Zero(t, l.Number, "the store does not keep it")
			require.ErrorIs(t, l.Err, engine.ErrReused)
			require.ErrorIs(t, l.Err, errBroken)
			told++
			return nil
		})
		good := engine.NewCommand("a", put{Amounts: []int{1}})
		bad := engine.NewCommand("b", note{Fault: handlerFails})
		bad.ID = good.ID
		require.NoError(t, newBelt(t, store, pipeline.Options{}).feed(good)[0].Failure())
		b := newBelt(t, store, pipeline.Options{DeadLetters: sink, Retry: once})
		outcomes := b.feed(bad, engine.NewCommand("c", put{Amounts: []int{1}}))
		require.Equal(t, engine.DeadLettered, outcomes[0].Status)
		require.NoError(t, outcomes[1].Failure())
		require.Equal(t, 1, told)
	})
}
