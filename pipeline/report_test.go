package pipeline_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

func TestReportString(t *testing.T) {
	r := pipeline.Report{
		Counts:  pipeline.Counts{Commands: 12, Accepted: 7, Rejected: 2, DeadLettered: 2, Unknown: 1, Repeated: 3, Events: 9},
		Elapsed: 1500*time.Millisecond + 321*time.Microsecond,
		Latency: pipeline.Latency{P50: time.Millisecond, P99: 20 * time.Millisecond, P999: 31 * time.Millisecond},
		Store:   engine.Capabilities{Name: "sqlite", Durable: true, Relaxed: []string{"no checkpoint"}},
	}
	require.Equal(t, `commands   12 in 1.5s: 8/s
outcomes   7 accepted, 2 rejected, 2 dead-lettered, 1 unknown (3 repeated)
events     9 appended to sqlite (durable, relaxed: no checkpoint)
latency    p50 1ms, p99 20ms, p99.9 31ms
sequence   holds: 0 gaps, 0 swaps, 0 lost, 0 duplicates`, r.String())

	r.Sequence.Lost = 1
	r.Store = engine.Capabilities{}
	require.Contains(t, r.String(), "9 appended to a store (not durable)")
	require.Contains(t, r.String(), "sequence   BROKEN: 0 gaps, 0 swaps, 1 lost, 0 duplicates")
}

// Before, during and after the run; admitted = outcomes whenever nothing moves.
func TestReportNumbersAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{})
		require.Equal(t, pipeline.Report{Store: engine.Capabilities{Name: "memory", Instant: true}}, b.Report())
		require.Zero(t, b.Report().Rate())
		b.start()
		admitted := 0
		for _, data := range []any{
			put{Amounts: []int{1, 1, 1}},
			put{},
			put{Amounts: []int{-9}},
			note{},
			mix{Fault: handlerFails},
			put{Fault: deciderFails},
			note{Waits: []time.Duration{time.Second, time.Second}},
		} {
			_, err := b.Send(t.Context(), engine.NewCommand("a", data))
			require.NoError(t, err)
			admitted++
			synctest.Wait()
			r := b.Report()
			require.Equal(t, admitted, r.Commands+r.InFlight)
			require.Equal(t, r.Commands, r.Accepted+r.Rejected+r.DeadLettered+r.Unknown)
		}
		require.Equal(t, 1, b.Report().InFlight, "the last one waits")
		time.Sleep(2 * time.Second)
		r := b.end()
		require.Equal(t, pipeline.Counts{Commands: 7, Accepted: 4, Rejected: 1, DeadLettered: 2, Events: 3 + 2 + 2}, r.Counts)
		require.Equal(t, 2*time.Second, r.Elapsed)
		require.InDelta(t, 3.5, r.Rate(), 0.001)
		require.InDelta(t, time.Second, r.Latency.P999, float64(2*time.Millisecond))
		time.Sleep(time.Hour)
		require.Equal(t, r, b.Report(), "it stands still after the end")
	})
}

// The pipeline itself tells when a store does not keep the sequence.
func TestReportTellsOfABrokenStore(t *testing.T) {
	inner := memory.New()
	liar := storeFuncs{Store: inner, append: tamper(inner, func(r *engine.Result) { r.First, r.Last = 1, 1 })}
	b := newBelt(t, liar, pipeline.Options{Batch: 1})
	b.feed(puts("a", 2)...)
	require.Equal(t, pipeline.Sequence{Gaps: 1, Swaps: 1}, b.report.Sequence)
}
