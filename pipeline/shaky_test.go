package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

var errDown = errors.New("the disk is gone")

// shaky is a store that takes its time, has another writer in it, and fails now and then, as its seed says.
type shaky struct {
	engine.Store
	slow    time.Duration // most that one call takes
	foreign float64       // how likely another writer comes before an append
	down    float64       // how likely an append fails
	unknown float64       // how likely an append is not answered
	noLoad  float64       // how likely a load fails
	instant bool          // workers append by themselves, however long it takes

	mu      sync.Mutex
	rng     *rand.Rand
	strange int // events of the other writer
}

// Capabilities are those of the store behind, but for who appends.
func (s *shaky) Capabilities() engine.Capabilities {
	c := s.Store.Capabilities()
	c.Instant = s.instant
	return c
}

func (s *shaky) dice() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Float64()
}

// nap sleeps a random time with nanosecond jitter, so that events of one run never fall on one instant by design.
func (s *shaky) nap() {
	if s.slow > 0 {
		time.Sleep(time.Duration(s.dice() * float64(s.slow)))
	}
}

// Append gives each append a fate of its own. Behind one that is lost everything is: what a store keeps of a call that it
// does not answer is a beginning.
func (s *shaky) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	s.nap()
	results, lost := make([]engine.Result, len(batch)), false
	for i := range batch {
		if lost {
			results[i].Err = fmt.Errorf("no answer: %w", engine.ErrUnknown)
			continue
		}
		if s.dice() < s.foreign {
			s.intrude(batch[i].Aggregate)
		}
		broken := batch[i].Chained && i > 0 && results[i-1].Breaks()
		batch[i].Chained = false // the one before it is stored: the store behind gets them one by one
		switch fate := s.dice(); {
		case broken:
			results[i].Err = &engine.ConflictError{Aggregate: batch[i].Aggregate, Expected: batch[i].Expected}
		case fate < s.down:
			results[i].Err = errDown
		case fate < s.down+s.unknown:
			if lost = s.dice() < 0.5; !lost {
				s.Store.Append(ctx, batch[i:i+1])
			}
			results[i].Err = fmt.Errorf("no answer: %w", engine.ErrUnknown)
		default:
			results[i] = s.Store.Append(ctx, batch[i:i+1])[0]
		}
	}
	s.nap()
	return results
}

// intrude appends an event as another program would.
func (s *shaky) intrude(aggregate string) {
	s.Store.Append(context.Background(), []engine.Append{foreignAppend(aggregate)})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strange++
}

// foreignAppend is an append of another program: no command id, any version.
func foreignAppend(aggregate string) engine.Append {
	return engine.Append{Aggregate: aggregate, Expected: engine.Any, Events: []engine.Event{
		{Message: engine.Message{ID: engine.NewID(), Type: "added", Subject: aggregate, Data: added{Amount: 1}}},
	}}
}

// Load fails now and then.
func (s *shaky) Load(ctx context.Context, aggregate string, from engine.Version) iter.Seq2[engine.Event, error] {
	s.nap()
	if s.dice() < s.noLoad {
		return func(yield func(engine.Event, error) bool) { yield(engine.Event{}, errDown) }
	}
	return s.Store.Load(ctx, aggregate, from)
}
