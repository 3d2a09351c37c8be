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

// start is when the pipeline began.
func (m *meter) start() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.began
}

// counted is what has its outcome.
func (m *meter) counted() Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts
}

// since is how long ago the pipeline began: the time in which arrivals are kept.
func (m *meter) since() time.Duration { return time.Since(m.began) }

// outcome counts one command.
func (m *meter) outcome(arrived time.Duration, o *engine.Outcome) {
	took := m.since() - arrived
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.count(o.Status, o.Repeated, o.Events())
	if o.Status == engine.DeadLettered && m.first == nil {
		m.first = o.Err
	}
	m.record(took)
}

// add counts the commands of a round that the store answered: one lock and one look at the clock for all of them.
func (m *meter) add(t *tally) {
	if len(t.arrived) == 0 {
		return
	}
	now := m.since()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.add(&t.Counts)
	m.sequence.Gaps += t.gaps
	m.sequence.Swaps += t.swaps
	for _, arrived := range t.arrived {
		m.record(now - arrived)
	}
}

func (m *meter) record(took time.Duration) {
	_ = m.latency.RecordValue(min(max(took.Microseconds(), 1), m.latency.HighestTrackableValue()))
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
