package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/bench"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goesStays...)
}

// The event bus of goes cannot be stopped: these goroutines of it stay, parked, for each bus that was made.
var goesStays = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/modernice/goes/event/eventbus.(*chanbus).work"),
	goleak.IgnoreAnyFunction("github.com/modernice/goes/event/eventbus.(*eventSubscription).work"),
	goleak.IgnoreAnyFunction("github.com/modernice/goes/event/eventbus.(*chanbus).Subscribe.func1"),
}

var setups = []setup{
	ourSend, ourDo, actors, actorRequests, millAsync, millBlocking, horizon, horizonLocked, goesCached, goesUse, goesBus,
}

// Every library stores every deposit, and in sequence unless it is one that is known for not keeping it.
func TestLedgers(t *testing.T) {
	w := bench.NewWorkload(60, 7)
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			l, err := s.open(t.Context(), w)
			require.NoError(t, err)
			for i := range w.Commands() {
				require.NoError(t, l.send(t.Context(), i))
			}
			require.NoError(t, l.wait(t.Context()))
			v := judge(l, w.Commands())
			require.NoError(t, l.close())
			switch s.name {
			case millAsync.name:
				v.swapped = 0
			case goesBus.name:
				v.broken = 0 // a command is sent again when its answer is late, and is there twice then
			}
			require.Equal(t, verdict{}, v)
		})
	}
}

// Every row of the study of deposits is there, with a figure for each of its columns.
func TestDepositWays(t *testing.T) {
	ways, err := depositWays(bench.NewWorkload(50, 5), effort{runs: 1, quick: true})
	require.NoError(t, err)
	require.Len(t, ways, len(baselines)+len(ledgers))
	for _, l := range ledgers {
		t.Run(l.name, func(t *testing.T) {
			sample, err := l.rate(bench.NewWorkload(50, 5))(t.Context())
			require.NoError(t, err)
			require.Len(t, sample.Columns, 5)
			require.Positive(t, sample.Value)
			require.Zero(t, sample.Columns[3], "lost")
		})
	}
	for _, way := range ways[:len(baselines)] {
		t.Run(way.Name, func(t *testing.T) {
			sample, err := way.Run(t.Context())
			require.NoError(t, err)
			require.Len(t, sample.Columns, 5)
		})
	}
}

// Each of the five handlers of every library is called once for every message.
func TestBoards(t *testing.T) {
	for _, b := range append([]boardSetup{ourFive, chainBoard}, boards...) {
		t.Run(b.name, func(t *testing.T) {
			_, sample, err := b.fanOut(t.Context(), 20, func() {})
			require.NoError(t, err)
			require.Positive(t, sample.Value)
		})
	}
}

func TestFanOutWays(t *testing.T) {
	ways, err := fanOutWays(effort{runs: 1, quick: true})
	require.NoError(t, err)
	require.Len(t, ways, len(fanBaselines)+len(boards))
	_, err = pick(ways, []string{"nobody"})
	require.ErrorContains(t, err, "nobody")
}

func TestCalls(t *testing.T) {
	for _, c := range callers {
		t.Run(c.name, func(t *testing.T) {
			sample, err := c.call(bench.NewWorkload(40, 2))(t.Context())
			require.NoError(t, err)
			require.Positive(t, sample.Value)
			require.Len(t, sample.Columns, 4)
			require.Zero(t, sample.Columns[2], "lost")
		})
	}
}

// Accepted and rejected are all; ours accepts all of them, in sequence.
func TestRush(t *testing.T) {
	const commands = 40
	for _, c := range crowds {
		t.Run(c.name, func(t *testing.T) {
			sample, err := c.rush(bench.NewWorkload(commands, 1))(t.Context())
			require.NoError(t, err)
			require.Equal(t, float64(commands), sample.Value+sample.Columns[0])
			if c.name == ourSend.name {
				require.Equal(t, bench.Sample{Value: commands, Columns: []float64{0, 0, 0}}, sample)
			}
		})
	}
}

func TestTraced(t *testing.T) {
	w := bench.NewWorkload(30, 3)
	for _, s := range []setup{ourSend, millAsync} {
		var trace bench.Trace
		sample, err := s.traced(w, &trace)(t.Context())
		require.NoError(t, err)
		require.InDelta(t, trace.Swaps(), sample.Value, 0)
		diagonal := make([]int, 30)
		for i := range diagonal {
			diagonal[i] = i
		}
		require.ElementsMatch(t, diagonal, trace.Out, "every place is taken once")
		if s.name == ourSend.name {
			require.Equal(t, diagonal, trace.Out)
		}
	}
}

// kept is a ledger that stores what it is told to.
type kept []bench.Stored

func (k kept) send(context.Context, int) error { return nil }
func (k kept) wait(context.Context) error      { return nil }
func (k kept) close() error                    { return nil }

func (k kept) stored() iter.Seq[bench.Stored] { return slices.Values(k) }

// Canaries: each way in which a ledger can be wrong is seen.
func TestJudge(t *testing.T) {
	stored := func(account string, version uint64, number int64) bench.Stored {
		return bench.Stored{Account: account, Version: version, Number: number}
	}
	for name, c := range map[string]struct {
		stored kept
		want   verdict
	}{
		"right":        {kept{stored("a", 1, 1), stored("b", 1, 1), stored("a", 2, 2)}, verdict{}},
		"swapped":      {kept{stored("a", 1, 2), stored("a", 2, 1), stored("a", 3, 3)}, verdict{swapped: 1}},
		"gap":          {kept{stored("a", 1, 1), stored("a", 3, 2), stored("a", 4, 3)}, verdict{broken: 1}},
		"same version": {kept{stored("a", 1, 1), stored("a", 1, 2), stored("a", 2, 3)}, verdict{broken: 1}},
		"twice":        {kept{stored("a", 1, 1), stored("a", 2, 2), stored("a", 3, 2)}, verdict{broken: 1, lost: 1}},
		"lost":         {kept{stored("a", 1, 1), stored("a", 2, 2)}, verdict{lost: 1}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, judge(c.stored, 3)) })
	}
	_, err := places(bench.NewWorkload(3, 1), kept{stored("account-000000", 1, 1)})
	require.Error(t, err)
}

// A message that a handler missed, or had twice, is no result.
func TestJoinsCheck(t *testing.T) {
	j := newJoins(2, func() {})
	for range handlers {
		j.handle(0)
	}
	require.ErrorContains(t, j.check(), "message 1 was handled 0 times")
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	require.ErrorContains(t, j.wait(stopped), "1 were never handled: enough")
	for range handlers {
		j.handle(1)
	}
	require.NoError(t, j.check())
	require.NoError(t, j.wait(t.Context()))
	j.handle(1)
	require.ErrorContains(t, j.check(), "message 1 was handled 6 times")
}

// What is printed as JSON is what package bench reads.
func TestJSON(t *testing.T) {
	defer func(all []study) { studies = all }(studies)
	studies = []study{sequence}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--json", "--runs", "1", "--quick"}, &out))
	read, err := bench.ReadStudies(&out)
	require.NoError(t, err)
	require.Len(t, read, 1)
	require.Len(t, read[0].Traces, 2)
	require.True(t, read[0].OK())

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"--runs", "1"}, &out))
	require.Contains(t, out.String(), millAsync.name)
	require.Contains(t, out.String(), "✓")
	require.ErrorContains(t, run(t.Context(), []string{"--runs", "-1"}, io.Discard), "give 1 run or more")
	require.Error(t, run(t.Context(), []string{"more"}, io.Discard))
}
