package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// A jot asks for an event, a jotted, that says the same: about 100 bytes of JSON.
type (
	jot struct {
		N    int    `json:"n"`
		Text string `json:"text"`
	}
	jotted jot
)

var jotText = strings.Repeat("durable ", 10)

// newJots makes a registry in which a jot makes a jotted.
func newJots() *engine.Registry {
	r := engine.NewRegistry()
	engine.RegisterEvent[jotted](r, "bench.jotted")
	engine.OnCommand(r, "bench.jot", "jot", func(_ context.Context, _ *engine.Command, c jot) ([]any, error) {
		return []any{jotted(c)}, nil
	})
	return r
}

// A jotLoad is events that writers append at once: the i-th goes to the aggregate i modulo the number of aggregates, and is
// appended by the writer i modulo the number of writers, one after another. The number of writers divides that of
// aggregates, or there is one aggregate.
type jotLoad struct {
	writers    int
	each       int // events of a writer
	aggregates []string
	before     int // events that are in the store already; see warmUp
}

// newJotLoad rounds events down to what the writers share evenly, but not to nothing.
func newJotLoad(writers, events, aggregates int) jotLoad {
	l := jotLoad{writers: writers, each: max(1, events/writers), aggregates: make([]string, aggregates)}
	for i := range l.aggregates {
		l.aggregates[i] = fmt.Sprintf("aggregate-%d", i)
	}
	return l
}

func (l jotLoad) events() int { return l.writers * l.each }

// aggregate of the i-th event.
func (l jotLoad) aggregate(i int) string { return l.aggregates[i%len(l.aggregates)] }

// expected is the version of its aggregate before the i-th event, where each aggregate has one writer.
func (l jotLoad) expected(i int) engine.Version { return engine.Version(i / len(l.aggregates)) }

// append makes the i-th event into an append of its own.
func (l jotLoad) append(i int) engine.Append {
	id := engine.NewID()
	return engine.Append{
		Aggregate: l.aggregate(i), Expected: engine.Exactly(l.expected(i)), CommandID: id,
		Events: []engine.Event{{Message: engine.Message{
			ID: engine.NewID(), Type: "bench.jotted", Source: "bench", Subject: l.aggregate(i), Time: time.Now().UTC(),
			Data: jotted{N: i, Text: jotText}, CorrelationID: id, CausationID: id,
		}}},
	}
}

// command makes the command that asks for the i-th event.
func (l jotLoad) command(i int) *engine.Command {
	return engine.NewCommand(l.aggregate(i), jot{N: i, Text: jotText})
}

// run lets all writers append at once. Append is called with the writer and the number of the event, and returns when it
// is acknowledged. The sample is events/s, with the acknowledgement's latency at two quantiles in µs.
func (l jotLoad) run(append func(writer, i int) error) (Sample, error) {
	took := make([]time.Duration, l.events())
	errs := make([]error, l.writers)
	var writers sync.WaitGroup
	began := time.Now()
	for w := range l.writers {
		writers.Go(func() {
			at := time.Now()
			for n := range l.each {
				if errs[w] = append(w, n*l.writers+w); errs[w] != nil {
					return
				}
				now := time.Now()
				took[w*l.each+n], at = now.Sub(at), now
			}
		})
	}
	writers.Wait()
	return l.sample(time.Since(began), took), errors.Join(errs...)
}

// sample is the rate of the whole load, and quantiles of what its events took.
func (l jotLoad) sample(elapsed time.Duration, took []time.Duration) Sample {
	slices.Sort(took)
	quantile := func(percent int) float64 { return microseconds(took[len(took)*percent/100]) }
	return Sample{Value: float64(l.events()) / elapsed.Seconds(), Columns: []float64{quantile(50), quantile(99)}}
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// verify reads the store and makes sure that it has the whole load and nothing else: each event once, in its aggregate,
// each aggregate without a gap, positions rising.
func (l jotLoad) verify(ctx context.Context, store engine.Store) error {
	versions := map[string]engine.Version{}
	seen := make([]bool, l.events())
	found, position := 0, engine.Position(0)
	for e, err := range store.Read(ctx, 0) {
		if err != nil {
			return fmt.Errorf("bench: reading back: %w", err)
		}
		if e.Subject == warmUpAggregate {
			continue
		}
		versions[e.Subject]++
		data, ok := e.Data.(jotted)
		switch {
		case !ok || data.N < 0 || data.N >= len(seen) || e.Subject != l.aggregate(data.N):
			return fmt.Errorf("bench: position %d holds an event that nobody appended", e.Position)
		case seen[data.N]:
			return fmt.Errorf("bench: event %d is stored twice", data.N)
		case e.Version != versions[e.Subject]:
			return fmt.Errorf("bench: %s has version %d where %d belongs", e.Subject, e.Version, versions[e.Subject])
		case e.Position <= position:
			return fmt.Errorf("bench: position %d follows position %d", e.Position, position)
		}
		seen[data.N], position = true, e.Position
		found++
	}
	if found != len(seen) {
		return fmt.Errorf("bench: %d of %d acknowledged events are lost", len(seen)-found, len(seen))
	}
	return nil
}
