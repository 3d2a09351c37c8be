package pipeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Counts of commands by outcome, and of events.
type Counts struct {
	Commands     int `json:"commands"` // with an outcome
	Accepted     int `json:"accepted"`
	Rejected     int `json:"rejected"`
	DeadLettered int `json:"dead_lettered"`
	Unknown      int `json:"unknown"`
	Repeated     int `json:"repeated"` // of the accepted and rejected: the store had them already, the last answer added nothing
	Events       int `json:"events"`   // appended now
}

// Latency from admission to outcome, at three quantiles.
type Latency struct{ P50, P99, P999 time.Duration }

// A Report says what a pipeline did. It prints itself.
type Report struct {
	Counts
	FirstDeadLetter error // cause of the first dead letter; nil when there is none
	InFlight        int   // commands without an outcome
	Elapsed         time.Duration
	Latency         Latency
	// Sequence is the verdict that the pipeline reaches from what the store answered. To read it back from the store
	// itself, use package bench.
	Sequence Sequence
	Store    engine.Capabilities
}

// Rate is the number of commands with an outcome per second.
func (r Report) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Commands) / r.Elapsed.Seconds()
}

// String is the report as a few aligned lines.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "commands   %d in %v: %.0f/s\n", r.Commands, r.Elapsed.Round(time.Millisecond), r.Rate())
	fmt.Fprintf(&b, "outcomes   %d accepted, %d rejected, %d dead-lettered, %d unknown (%d repeated)\n",
		r.Accepted, r.Rejected, r.DeadLettered, r.Unknown, r.Repeated)
	if r.FirstDeadLetter != nil {
		fmt.Fprintf(&b, "           first dead letter: %v\n", r.FirstDeadLetter)
	}
	fmt.Fprintf(&b, "events     %d appended to %s\n", r.Events, r.store())
	fmt.Fprintf(&b, "latency    p50 %v, p99 %v, p99.9 %v\n", r.Latency.P50, r.Latency.P99, r.Latency.P999)
	verdict := "holds"
	if !r.Sequence.OK() {
		verdict = "BROKEN"
	}
	s := r.Sequence
	fmt.Fprintf(&b, "sequence   %s: %d gaps, %d swaps, %d lost, %d duplicates", verdict, s.Gaps, s.Swaps, s.Lost, s.Duplicates)
	return b.String()
}

func (r Report) store() string {
	durable := "not durable"
	if r.Store.Durable {
		durable = "durable"
	}
	name := r.Store.Name
	if name == "" {
		name = "a store"
	}
	if len(r.Store.Relaxed) > 0 {
		durable += ", relaxed: " + strings.Join(r.Store.Relaxed, ", ")
	}
	return fmt.Sprintf("%s (%s)", name, durable)
}
