package pipeline

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/orchestrix-go/orchestrix/engine"
)

// meter counts outcomes and measures how long they took.
type meter struct {
	mu       sync.Mutex
	began    time.Time
	ended    time.Time // zero while the pipeline runs
	counts   Counts
	first    error // cause of the first dead letter
	sequence Sequence
	latency  *hdrhistogram.Histogram // microseconds from admission to outcome, to 3 digits
}

func newMeter() *meter {
	return &meter{latency: hdrhistogram.New(1, int64(time.Hour/time.Microsecond), 3)}
}

func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.began = time.Now()
}

func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = time.Now()
}

// outcome counts one command.
func (m *meter) outcome(t *task, o *engine.Outcome) {
	took := time.Since(t.arrived).Microseconds()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.Commands++
	switch o.Status {
	case engine.Accepted:
		m.counts.Accepted++
	case engine.Rejected:
		m.counts.Rejected++
	case engine.DeadLettered:
		m.counts.DeadLettered++
		if m.first == nil {
			m.first = o.Err
		}
	case engine.Unknown:
		m.counts.Unknown++
	}
	if o.Repeated {
		m.counts.Repeated++
	} else {
		m.counts.Events += o.Events()
	}
	_ = m.latency.RecordValue(min(max(took, 1), m.latency.HighestTrackableValue()))
}

// stored holds what the store says of one append against the sequence of its lane: versions must go on where the
// expectation stood and may never step back.
func (m *meter) stored(l *lane, expected engine.Expected, r *engine.Result) {
	if r.Duplicate {
		return
	}
	gap := expected != engine.Any && !expected.Holds(r.First-1)
	swap := r.First <= l.last
	l.last = r.Last
	if gap || swap {
		m.mu.Lock()
		defer m.mu.Unlock()
		if gap {
			m.sequence.Gaps++
		}
		if swap {
			m.sequence.Swaps++
		}
	}
}

// report is what was measured up to now. Lost are the commands that the ended pipeline left without an outcome.
func (m *meter) report(store engine.Capabilities, inFlight int) Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := Report{Counts: m.counts, FirstDeadLetter: m.first, Sequence: m.sequence, Store: store, InFlight: inFlight}
	switch {
	case m.began.IsZero():
	case m.ended.IsZero():
		r.Elapsed = time.Since(m.began)
	default:
		r.Elapsed = m.ended.Sub(m.began)
		r.Sequence.Lost += inFlight
	}
	at := func(percent float64) time.Duration {
		return time.Duration(m.latency.ValueAtQuantile(percent)) * time.Microsecond
	}
	r.Latency = Latency{P50: at(50), P99: at(99), P999: at(99.9)}
	return r
}
