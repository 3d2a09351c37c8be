package pipeline

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// The benchmarks of this file are single stages of the belt, without what is before and after them. One operation is one
// command.

// BenchmarkWindow takes places and gives them back, as many at once as a source hands over commands.
func BenchmarkWindow(b *testing.B) {
	for _, size := range []int{1, 256} {
		b.Run(fmt.Sprint("batch=", size), func(b *testing.B) {
			w := newWindow(4096)
			b.ReportAllocs()
			for left := b.N; left > 0; {
				n, err := w.acquire(b.Context(), min(size, left))
				if err != nil {
					b.Fatal(err)
				}
				w.release(n)
				left -= n
			}
			require.Zero(b, w.inFlight())
		})
	}
}

// BenchmarkWindowFull is the same where there is one place for two who want it: each waits for the other.
func BenchmarkWindowFull(b *testing.B) {
	w := newWindow(1)
	var both sync.WaitGroup
	b.ReportAllocs()
	for i := range 2 {
		both.Go(func() {
			for range (b.N + i) / 2 {
				if _, err := w.acquire(b.Context(), 1); err != nil {
					b.Error(err)
					return
				}
				w.release(1)
			}
		})
	}
	both.Wait()
}

// BenchmarkLanes takes commands from admission to the end of their turns, one worker and no code of the user. As many are
// entered at once as a source hands over.
func BenchmarkLanes(b *testing.B) {
	const size = 256
	for _, aggregates := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint("aggregates=", aggregates), func(b *testing.B) {
			cmds := make([]*engine.Command, min(b.N, aggregates))
			for i := range cmds {
				cmds[i] = &engine.Command{Message: engine.Message{Subject: fmt.Sprint("account-", i)}}
			}
			ls, at := newLanes(size, 10_000, 1), new(post)
			batch, turns, admitted := make([]*engine.Command, 0, size), make([]*turn, 0, longestRow), 0
			b.ReportAllocs()
			b.ResetTimer()
			for admitted < b.N {
				for batch = batch[:0]; len(batch) < size && admitted < b.N; admitted++ {
					batch = append(batch, cmds[admitted%len(cmds)])
				}
				ls.enter(0, nil, batch...)
				for ls.ready.length > 0 {
					ls.take(at)
					turns = turns[:0]
					for t, _ := at.next(); t != nil; t, _ = at.next() {
						t.lane.aggregate = stateful{} // so that the lane is kept
						for _, ended := range t.taken {
							*ended = task{}
						}
						turns = append(turns, t)
					}
					ls.finish(turns...)
				}
			}
			b.StopTimer()
			require.EqualValues(b, b.N, ls.ticket)
			require.LessOrEqual(b, ls.idleSize, 10_000)
		})
	}
}

// BenchmarkMeter counts what turns of some commands add.
func BenchmarkMeter(b *testing.B) {
	for _, size := range []int{1, 256} {
		b.Run(fmt.Sprint("batch=", size), func(b *testing.B) {
			m := newMeter()
			m.begin()
			var t tally
			l := &lane{}
			b.ReportAllocs()
			for left := b.N; left > 0; left -= size {
				t.reset()
				arrived := m.since()
				for range min(size, left) {
					r := engine.Result{First: l.last + 1, Last: l.last + 1}
					t.stored(l, engine.Exactly(l.last), &r)
					t.arrived = append(t.arrived, arrived)
				}
				m.add(&t)
			}
			b.StopTimer()
			report := m.report(engine.Capabilities{}, 0)
			require.Equal(b, b.N, report.Accepted)
			require.True(b, report.Sequence.OK())
		})
	}
}

// BenchmarkMeterOutcome counts outcomes one by one, as those of dead letters are.
func BenchmarkMeterOutcome(b *testing.B) {
	m := newMeter()
	m.begin()
	o := engine.Outcome{Status: engine.Accepted, First: 1, Last: 1}
	b.ReportAllocs()
	for b.Loop() {
		m.outcome(time.Microsecond, &o)
	}
	require.Positive(b, m.report(engine.Capabilities{}, 0).Accepted)
}

// BenchmarkPace learns from calls in goroutines.
func BenchmarkPace(b *testing.B) {
	p := newPace(1)
	b.ReportAllocs()
	for b.Loop() {
		p.learn(0, 0)
	}
}
