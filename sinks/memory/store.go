package memory

import (
	"context"
	"iter"
	"strings"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Store keeps events in memory. Make one with [New]. All methods may be called from many goroutines at once.
type Store struct {
	mu        sync.Mutex // guards everything below; never held while a caller's code runs
	log       log
	streams   map[string]*stream
	last      *stream // of the last append: a batch has many for one aggregate
	kinds     kinds
	commands  commands
	snapshots map[string][]engine.Snapshot // of each aggregate the newest few, oldest first
	wake      chan struct{}                // what waiters wait on; nil while nobody waits
	closed    bool
}

var (
	_ engine.Store       = (*Store)(nil)
	_ engine.Snapshotter = (*Store)(nil)
)

// New makes an empty store. It starts nothing, and a store that is no longer used needs no Close.
func New() *Store {
	return &Store{
		streams:   make(map[string]*stream),
		kinds:     kinds{known: make(map[kind]*kind)},
		commands:  newCommands(),
		snapshots: make(map[string][]engine.Snapshot),
	}
}

// Append stores a batch and answers one Result for each append, in the same sequence. See [engine.Store]. It takes the
// store's lock once for the whole call, so that larger batches cost less for each append. The events are copied, their
// payloads are not.
func (s *Store) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	results := make([]engine.Result, len(batch))
	if err := ctx.Err(); err != nil {
		return fail(results, err)
	}
	for i := range batch {
		results[i].Err = engine.CheckAppend(&batch[i])
	}
	if wake := s.apply(batch, results); wake != nil {
		close(wake)
	}
	return results
}

// apply appends what passed the checks, under the lock, and gives back the channel of those who wait for it, if any.
// Closing it is left to the caller, after the lock.
func (s *Store) apply(batch []engine.Append, results []engine.Result) (wake chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		fail(results, engine.ErrClosed)
		return nil
	}
	before := s.log.length
	s.commands.warm(batch)
	for i := range batch {
		if results[i].Err == nil {
			results[i] = s.applyOne(&batch[i], batch[i].Chained && i > 0 && results[i-1].Breaks())
		}
	}
	if s.log.length > before {
		wake, s.wake = s.wake, nil
	}
	return wake
}

// applyOne decides one append and stores it. Every rule is looked at before the first change, and no change can fail:
// that makes the append atomic.
func (s *Store) applyOne(a *engine.Append, broken bool) engine.Result {
	target := s.last
	if target == nil || target.name != a.Aggregate {
		target = s.streams[a.Aggregate]
	}
	if !a.CommandID.IsZero() {
		if first := s.commands.find(&a.CommandID); first != nil {
			return first.answer(a)
		}
	}
	version := target.version()
	if broken || !a.Expected.Holds(version) {
		return engine.Result{Err: &engine.ConflictError{
			Aggregate: a.Aggregate, Expected: a.Expected, Actual: version,
		}}
	}
	if target == nil {
		target = &stream{name: strings.Clone(a.Aggregate)} // the caller's string may be part of a large one
		s.streams[target.name] = target
	}
	s.last = target
	result := engine.Result{First: version + 1, Last: version, Rejection: a.Rejection}
	for i := range a.Events {
		result.Last++
		result.Position = s.add(&a.Events[i].Message, target)
	}
	if !a.CommandID.IsZero() {
		s.commands.add(receipt{
			id: a.CommandID, stream: target, first: result.First, last: result.Last, position: result.Position, rejection: a.Rejection,
			digest: a.Digest,
		})
	}
	return result
}

// add writes one event behind the log and behind its stream.
func (s *Store) add(m *engine.Message, target *stream) engine.Position {
	r, position := s.log.add()
	target.positions = append(target.positions, position)
	*r = record{
		id: m.ID, correlation: m.CorrelationID, causation: m.CausationID, stream: target, version: target.version(),
		kind: s.kinds.of(m), time: m.Time, data: m.Data,
	}
	if m.TraceParent != "" || m.Metadata != nil {
		r.rare = &rare{m.TraceParent, m.Metadata}
	}
	return position
}

// Load reads the stream of one aggregate as it is when the iteration starts, from a version on. It never blocks a
// writer while the caller handles an event.
func (s *Store) Load(ctx context.Context, aggregate string, from engine.Version) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		s.mu.Lock()
		closed, view := s.closed, s.log
		var positions []engine.Position
		if found := s.streams[aggregate]; found != nil {
			positions = found.positions
		}
		s.mu.Unlock()

		if closed {
			yield(engine.Event{}, engine.ErrClosed)
			return
		}
		for v := uint64(max(from, 1)); v <= uint64(len(positions)); v++ {
			if !yieldAt(ctx, &view, positions[v-1], yield) {
				return
			}
		}
	}
}

// Read reads the whole log after a position, to its end when the iteration starts. It never blocks a writer while the
// caller handles an event.
func (s *Store) Read(ctx context.Context, after engine.Position) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		s.mu.Lock()
		closed, view := s.closed, s.log
		s.mu.Unlock()

		if closed {
			yield(engine.Event{}, engine.ErrClosed)
			return
		}
		for p := after; p < view.end(); {
			p++
			if !yieldAt(ctx, &view, p, yield) {
				return
			}
		}
	}
}

// yieldAt yields the event at a position, or the context's error when it is done. It tells whether to go on.
func yieldAt(ctx context.Context, view *log, p engine.Position, yield func(engine.Event, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield(engine.Event{}, err)
		return false
	}
	return yield(view.at(p), nil)
}

// End gives the position of the last event in the log, 0 for an empty one.
func (s *Store) End(ctx context.Context) (engine.Position, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, engine.ErrClosed
	}
	return s.log.end(), nil
}

// Wait blocks until the log has an event after the position, the context is done, or the store is closed (ErrClosed).
func (s *Store) Wait(ctx context.Context, after engine.Position) error {
	for {
		s.mu.Lock()
		closed, end := s.closed, s.log.end()
		if !closed && end <= after && s.wake == nil {
			// Nothing is ever sent on it. The Append that adds an event, or Close, takes it out of the store and closes
			// it; everybody who waits receives that. It holds nothing, so its capacity is none.
			s.wake = make(chan struct{})
		}
		wake := s.wake
		s.mu.Unlock()

		if closed {
			return engine.ErrClosed
		}
		if end > after {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Capabilities says that nothing here is durable, and that nothing has to be waited for.
func (s *Store) Capabilities() engine.Capabilities {
	return engine.Capabilities{Name: "memory", Instant: true}
}

// Close ends the store: iterations that have begun go on, everything else answers ErrClosed. It always gives nil, and
// closing twice is harmless.
func (s *Store) Close() error {
	s.mu.Lock()
	wake := s.wake
	s.wake, s.closed = nil, true
	s.mu.Unlock()
	if wake != nil {
		close(wake)
	}
	return nil
}

// fail answers every append of a call with the same error.
func fail(results []engine.Result, err error) []engine.Result {
	for i := range results {
		results[i] = engine.Result{Err: err}
	}
	return results
}
