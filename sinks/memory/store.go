package memory

import (
	"context"
	"iter"
	"runtime"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/awake"
)

// Store keeps events in memory. Make one with [New]. All methods may be called from many goroutines at once.
type Store struct {
	mu        awake.Mutex // guards everything below; never held while a caller's code runs
	log       log
	streams   streams
	last      *stream // of the last append: a batch has many for one aggregate
	kinds     kinds
	commands  commands
	snapshots map[string][]engine.Snapshot // of each aggregate the newest few, oldest first
	letters   letters
	wake      chan struct{} // what waiters wait on; nil while nobody waits
	closed    bool
}

var (
	_ engine.Store           = (*Store)(nil)
	_ engine.Snapshotter     = (*Store)(nil)
	_ engine.DeadLetterStore = (*Store)(nil)
)

// New makes an empty store. It starts nothing, and a store that is no longer used needs no Close.
func New() *Store {
	return &Store{
		streams:   newStreams(),
		kinds:     kinds{known: make(map[kind]int)},
		commands:  newCommands(),
		snapshots: make(map[string][]engine.Snapshot),
		letters:   newLetters(),
	}
}

// Append stores a batch and answers one Result for each append, in the same sequence. See [engine.Store]. It takes the
// store's lock once for the whole call, so that larger batches cost less for each append. The events are copied, their
// payloads are not.
func (s *Store) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	return s.appendInto(ctx, batch, make([]engine.Result, len(batch)))
}

// Reuse gives an Append that writes its results into an array that served before, which the caller sees to: as many empty
// results as there are appends. It comes with the store that it belongs to: what embeds a Store has this method too, and
// must not be passed over.
func (s *Store) Reuse() (engine.Store, func(context.Context, []engine.Append, []engine.Result) []engine.Result) {
	return s, s.appendInto
}

func (s *Store) appendInto(ctx context.Context, batch []engine.Append, results []engine.Result) []engine.Result {
	if err := ctx.Err(); err != nil {
		return fail(results, err)
	}
	var passed *engine.Append
	for i := range batch {
		if results[i].Err = batch[i].CheckAfter(passed); results[i].Err == nil {
			passed = &batch[i]
		}
	}
	if wake := s.apply(batch, results); wake != nil {
		close(wake)
	}
	return results
}

// blockAppends is how many appends of a batch are prepared together.
const blockAppends = 64

// apply appends what passed the checks, under the lock, and gives back the channel of those who wait for it, if any.
// Closing it is left to the caller, after the lock.
func (s *Store) apply(batch []engine.Append, results []engine.Result) (wake chan struct{}) {
	s.mu.LockAwake()
	defer s.mu.Unlock()
	if s.closed {
		fail(results, engine.ErrClosed)
		return nil
	}
	before := s.log.end()
	var last *engine.Result
	for len(batch) > 0 {
		n := min(len(batch), blockAppends)
		s.applyBlock(batch[:n], results[:n], last)
		last = &results[n-1]
		batch, results = batch[n:], results[n:]
	}
	if s.log.end() > before {
		wake, s.wake = s.wake, nil
	}
	return wake
}

// hashes are those of the command id and of the aggregate of an append.
type hashes struct{ command, stream uint64 }

// applyBlock appends some of a batch. First it looks at the places where their ids and aggregates will be looked for: the
// processor fetches all of them at once then, instead of one after another between other work. Before is what came of the
// append before the block, nil when there is none.
func (s *Store) applyBlock(batch []engine.Append, results []engine.Result, before *engine.Result) {
	var of [blockAppends]hashes
	read := uint64(0)
	var aggregate string
	var stream uint64
	for i := range batch {
		if results[i].Err != nil {
			continue // it was refused: its name may have any length
		}
		of[i].command = s.commands.hash(&batch[i].CommandID)
		read ^= s.commands.prefetch(of[i].command)
		if batch[i].Aggregate != aggregate { // no name is empty
			aggregate = batch[i].Aggregate
			stream = s.streams.hash(aggregate)
			read ^= s.streams.prefetch(stream)
		}
		of[i].stream = stream
	}
	runtime.KeepAlive(read) // else the compiler leaves out what comes to nothing
	for i := range batch {
		if results[i].Err == nil {
			s.applyOne(&batch[i], &of[i], before != nil && batch[i].Broken(before), &results[i])
		}
		before = &results[i]
	}
}

// applyOne decides one append and stores it. Every rule is looked at before the first change, and no change can fail:
// that makes the append atomic.
func (s *Store) applyOne(a *engine.Append, hash *hashes, broken bool, result *engine.Result) {
	target := s.last
	if target == nil || target.name != a.Aggregate {
		target = s.streams.find(a.Aggregate, hash.stream)
	}
	if !a.CommandID.IsZero() {
		if first := s.commands.find(&a.CommandID, hash.command, &s.log); first != 0 {
			if *result = s.answer(first, a); result.Err == nil {
				s.letters.stored(a.CommandID)
			}
			return
		}
	}
	if a.Letter != nil && !broken {
		*result = s.letters.keep(a)
		return
	}
	version := target.version()
	if broken || !a.Expected.Holds(version) {
		result.Err = &engine.ConflictError{Aggregate: a.Aggregate, Expected: a.Expected, Actual: version}
		return
	}
	if target == nil {
		target = s.streams.open(a.Aggregate, hash.stream)
	}
	s.last = target
	result.First, result.Last, result.Rejection = version+1, version+engine.Version(len(a.Events)), a.Rejection
	first := s.addAll(a.Events, target)
	if first != 0 {
		result.Position = first + engine.Position(len(a.Events)-1)
	}
	if !a.CommandID.IsZero() {
		s.commands.add(hash.command, s.entry(a, first, result))
		s.letters.stored(a.CommandID)
	}
}

// addAll writes events behind the log and behind their stream, and gives the position of the first, 0 when there is none.
func (s *Store) addAll(events []engine.Event, target *stream) (first engine.Position) {
	for i := range events {
		r, number := s.log.records.add()
		position := engine.Position(number)
		target.positions = append(target.positions, position)
		r.fill(&events[i].Message, target, target.version(), &s.kinds, &s.log)
		if i == 0 {
			first = position
			r.facts |= newFacts(0, len(events)-1, 0)
		}
	}
	return first
}

// entry says where the result of a new append is kept: nowhere else, when the first of its events tells all of it.
func (s *Store) entry(a *engine.Append, first engine.Position, result *engine.Result) entry {
	if first != 0 && first < engine.Position(inReceipt) && a.Digest == 0 && a.Events[0].CausationID == a.CommandID {
		return entry(first)
	}
	kept := receipt{id: a.CommandID, stream: s.last, first: result.First}
	if first != 0 || a.Rejection != "" || a.Digest != 0 {
		kept.rest = &rest{result.Last, result.Position, a.Rejection, a.Digest}
	}
	return s.commands.keep(kept)
}

// answer is the result for a command id that comes again: the first one, unless it comes for another aggregate or with
// other words.
func (s *Store) answer(at entry, a *engine.Append) engine.Result {
	stream, first, rest := s.first(at)
	if stream.name != a.Aggregate || rest.digest != 0 && a.Digest != 0 && rest.digest != a.Digest {
		return engine.Result{Err: &engine.ReusedError{CommandID: a.CommandID, First: stream.name, Again: a.Aggregate}}
	}
	return engine.Result{First: first, Last: rest.last, Position: rest.position, Rejection: rest.rejection, Duplicate: true}
}

// first is what came of a command id first.
func (s *Store) first(at entry) (*stream, engine.Version, rest) {
	if at&inReceipt != 0 {
		kept := s.commands.at(at)
		if kept.rest == nil {
			return kept.stream, kept.first, rest{last: kept.first - 1}
		}
		return kept.stream, kept.first, *kept.rest
	}
	r := s.log.record(engine.Position(at))
	first, more := r.facts.version(), r.facts.more()
	return r.stream, first, rest{last: first + engine.Version(more), position: engine.Position(at) + engine.Position(more)}
}

// Load reads the stream of one aggregate as it is when the iteration starts, from a version on. It never blocks a
// writer while the caller handles an event.
func (s *Store) Load(ctx context.Context, aggregate string, from engine.Version) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		hash := s.streams.hash(aggregate)
		s.mu.LockAwake()
		closed, view := s.closed, s.log
		var positions []engine.Position
		if found := s.streams.find(aggregate, hash); found != nil {
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
