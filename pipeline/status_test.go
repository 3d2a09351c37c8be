package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// stuck is a command that stays where its name says, until the gate opens.
type stuck struct{ Where string }

// sticky is a domain with two handlers and a decider that stay in such commands.
func sticky(gate <-chan struct{}) module {
	return func(r *engine.Registry) {
		at := func(where string, c stuck) ([]any, error) {
			if c.Where == where || c.Where == "both" && where != "deciding" {
				<-gate
			}
			if c.Where == "failing" {
				return nil, errPasses
			}
			return []any{seen{where}}, nil
		}
		for _, name := range []string{"one", "two"} {
			engine.OnCommand(r, "stuck", name, func(_ context.Context, _ *engine.Command, c stuck) ([]any, error) { return at(name, c) })
		}
		d := engine.NewDecider(r, "stickler", func() int { return 0 })
		engine.Decide(d, "stuck", func(_ context.Context, _ int, c stuck) ([]any, error) { return at("deciding", c) })
	}
}

// A status tells what each lane is doing, since when, and what waits behind it.
func TestStatusTellsWhatIsStalled(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{}) // closed below, the handlers receive; nobody sends
		inner, storing := memory.New(), make(chan struct{})
		store := storeFuncs{Store: inner, append: func(ctx context.Context, batch []engine.Append) []engine.Result {
			if batch[0].Aggregate == "storing" {
				<-storing
			}
			return inner.Append(ctx, batch)
		}}
		b := newBelt(t, store, pipeline.Options{
			Share: 3, HandlerTimeout: time.Hour, Retry: pipeline.RetryPolicy{
				Attempts: 9, First: time.Hour, Most: time.Hour, Total: 100 * time.Hour, Seed: 1,
			},
			Limits: []pipeline.Limit{
				{Type: "put", Group: tenant, Concurrency: 1}, {Type: "mix", Rate: 0.001}, {Type: "note", Concurrency: 1},
			},
		}, sticky(gate)).start()
		send := func(aggregate string, data any) *engine.Command {
			time.Sleep(time.Second)
			cmd := engine.NewCommand(aggregate, data)
			_, err := b.Send(t.Context(), cmd)
			require.NoError(t, err)
			synctest.Wait()
			return cmd
		}
		began := time.Now()
		ago := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
		one := send("one", stuck{"one"})
		both := send("both", stuck{"both"})
		deciding := send("deciding", stuck{"deciding"})
		failing := send("failing", stuck{"failing"})
		send("mixed", mix{Amounts: []int{1}})
		mixed := send("mixed too", mix{Amounts: []int{1}})
		note1 := send("noted", note{Waits: []time.Duration{time.Minute}})
		note2 := send("noted too", note{})
		storingCmd := send("storing", put{Amounts: []int{1}})
		send("one", stuck{"one"})
		send("one", stuck{"one"})
		var waits sync.WaitGroup
		waits.Go(func() { _, _ = b.Send(context.Background(), engine.NewCommand("one", stuck{"one"})) })
		time.Sleep(time.Second)
		s := b.Status()
		until := map[string]time.Time{}
		for i := range s.Stalled {
			l := &s.Stalled[i]
			if until[l.Aggregate] = l.Until; !l.Until.IsZero() {
				require.True(t, l.Until.After(time.Now()), l.Aggregate)
			}
			l.Until = time.Time{}
		}
		require.Equal(t, []pipeline.LaneStatus{
			{Aggregate: "one", State: "handler", By: "one", Since: ago(1), Command: one.ID, Type: "stuck", Admitted: ago(1), Behind: 2},
			{Aggregate: "both", State: "handler", By: "one, two", Since: ago(2), Command: both.ID, Type: "stuck", Admitted: ago(2)},
			{Aggregate: "deciding", State: "decider", By: "stickler", Since: ago(3), Command: deciding.ID, Type: "stuck", Admitted: ago(3)},
			{
				Aggregate: "failing", State: "retry", By: s.Stalled[3].By, Since: ago(4), Command: failing.ID, Type: "stuck",
				Admitted: ago(4), Attempts: 1,
			},
			{Aggregate: "mixed too", State: "limit", By: "mix", Since: ago(6), Command: mixed.ID, Type: "mix", Admitted: ago(6)},
			{Aggregate: "noted", State: "handler", By: "h0", Since: ago(7), Command: note1.ID, Type: "note", Admitted: ago(7)},
			{Aggregate: "noted too", State: "limit", By: "note", Since: ago(8), Command: note2.ID, Type: "note", Admitted: ago(8)},
			{Aggregate: "storing", State: "store", Since: ago(9), Command: storingCmd.ID, Type: "put", Admitted: ago(9)},
		}, s.Stalled)
		require.Contains(t, s.Stalled[3].By, "try again")
		require.False(t, until["failing"].IsZero())
		require.False(t, until["mixed too"].IsZero())
		require.Equal(t, "one", s.Oldest.Aggregate)
		require.Equal(t, []int{8, 10, 4096, 8, 0, 64, 5, 1, -1, -1},
			[]int{s.StalledTotal, s.InFlight, s.Window, s.Lanes, s.Ready, s.Workers, s.Busy, s.Waiting, s.DeadLetters, s.Parked})
		require.Equal(t, 1, s.Counts.Accepted)
		text := s.String()
		require.Contains(t, text, `"one" handler one for 11s; stuck `+one.ID.String()+", admitted 11s ago, 2 behind it")
		require.Contains(t, text, "in flight  10 of 4096 commands, in 8 aggregates: 5 under way, 0 ready; 1 caller waiting")
		encoded, err := json.Marshal(s)
		require.NoError(t, err)
		require.Contains(t, string(encoded), `"command":"`+one.ID.String()+`"`)
		var again pipeline.Status
		require.NoError(t, json.Unmarshal(encoded, &again))
		require.Equal(t, text, again.String())
		close(gate)
		close(storing)
		waits.Wait()
		b.stop()
		<-b.ended
	})
}

// However much is stalled, a status shows the oldest few and counts the rest; what goes on is not stalled.
func TestStatusIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{}) // closed below, the handlers receive; nobody sends
		b := newBelt(t, memory.New(), pipeline.Options{Workers: 2000, HandlerTimeout: time.Hour}, sticky(gate))
		require.Zero(t, b.Status().Lanes, "before it runs")
		b.start()
		var commands []engine.ID
		for i := range 1000 {
			cmd := engine.NewCommand(fmt.Sprint("a", i), stuck{"one"})
			commands = append(commands, cmd.ID)
			_, err := b.Send(t.Context(), cmd)
			require.NoError(t, err)
			time.Sleep(time.Millisecond)
		}
		s := b.Status()
		require.Equal(t, 1000, s.Lanes)
		require.InDelta(t, 900, s.StalledTotal, 1, "the others are there for less than a tenth of a second")
		require.Len(t, s.Stalled, 20)
		for i, l := range s.Stalled {
			require.Equal(t, commands[i], l.Command)
		}
		require.Contains(t, s.String(), fmt.Sprintf("and %d more", s.StalledTotal-20))
		close(gate)
		require.Equal(t, 1000, b.end().Accepted)
		s = b.Status()
		require.Equal(t, []int{0, 0, 0}, []int{s.Lanes, s.StalledTotal, s.InFlight})
		require.Nil(t, s.Oldest)
	})
}

// A status may be asked for at any moment.
func TestStatusUnderLoad(t *testing.T) {
	b := newBelt(t, memory.New(), pipeline.Options{
		Batch: 4, Window: 300, Cache: 5, Limits: []pipeline.Limit{{Type: "mix", Concurrency: 3}}, HandlerTimeout: 20 * time.Millisecond,
	}, steps(2, func(ctx context.Context, i int) error {
		if i == 1 {
			return wait(ctx, 30*time.Millisecond)
		}
		return errPasses
	}))
	done := make(chan struct{}) // closed below; nobody sends
	var looking sync.WaitGroup
	for range 2 {
		looking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if s := b.Status(); s.Busy+s.Ready > s.Lanes || len(s.Stalled) > s.StalledTotal || len(s.String()) == 0 {
					t.Error("a status that cannot be: ", s)
					return
				}
			}
		})
	}
	var cmds []*engine.Command
	for i := range 3000 {
		name := fmt.Sprint("a", i%97)
		switch i % 5 {
		case 0:
			cmds = append(cmds, engine.NewCommand(name, mix{Amounts: []int{1}, Waits: []time.Duration{0, 100}}))
		case 1:
			cmds = append(cmds, engine.NewCommand(name, note{}))
		default:
			cmds = append(cmds, engine.NewCommand(name, put{Amounts: []int{1}}))
		}
	}
	cmds = append(cmds, engine.NewCommand("late", step{Go: true}))
	b.feed(cmds...)
	close(done)
	looking.Wait()
	require.Equal(t, len(cmds)-1, b.report.Accepted)
}
