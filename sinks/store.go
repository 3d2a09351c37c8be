package sinks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

// groupAppends is how many appends one call of the store holds at most, unless a single batch has more.
const groupAppends = 4096

// Store is the store sink: an engine.Recorder for a pipeline, and a go-streams sink of *engine.Batch at the end of a
// plain chain. It is used once.
//
// Its ordered-append stage is one goroutine that takes all batches recorded meanwhile, in the sequence in which they were
// recorded, appends them in one call of the store, and settles them. While the store is busy the next group gathers: a
// group is as large as the load, and nothing waits when there is none. The sequence within an aggregate follows from two
// facts: the appends of a batch stand in ticket sequence, and an aggregate has one batch under way at most.
type Store struct {
	store     engine.Store
	followers []streams.Sink

	mu      sync.Mutex
	ready   sync.Cond       // the appender waits for a batch or the close
	pending []*engine.Batch // bounded by the window of the pipeline: each holds commands without an outcome
	closed  bool            // no batch will come
	ended   bool            // Run has returned: a late batch is answered at once
	at      context.Context // of Run, when whoever records appends; nil before Run and when the appender does it
	callers int             // who record and append now
	joined  sync.Pool       // of *[]engine.Append, for these callers

	used    atomic.Bool
	connect sync.Once
	in      chan any      // upstream sends and closes, receive receives; unbuffered, a batch is one element
	done    chan struct{} // receive closes it when everything is stored; nobody sends
	fault   error         // see Err; receive writes it before it closes done
}

var (
	_ streams.Sink    = (*Store)(nil)
	_ engine.Recorder = (*Store)(nil)
)

// NewStore makes a sink of a store. It starts nothing, and it does not close the store.
func NewStore(store engine.Store) *Store {
	s := &Store{store: store, in: make(chan any), done: make(chan struct{})}
	s.ready.L = &s.mu
	s.joined.New = func() any { return new([]engine.Append) }
	return s
}

// Then puts a sink behind the store: it gets every event stored from now on as *engine.Event, in position sequence, read
// from the log. A slow sink holds up no append; the run ends when it has everything, and its Err, if it has that method,
// is among the run's errors. Call it before the sink is used.
func (s *Store) Then(sink streams.Sink) *Store {
	s.followers = append(s.followers, sink)
	return s
}

// Store is the store behind the sink.
func (s *Store) Store() engine.Store { return s.store }

// Record takes batches over. It does not block, but to a store that is Instant it appends them before it returns.
func (s *Store) Record(batches ...*engine.Batch) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		answer(batches, engine.ErrClosed)
		return
	}
	ctx := s.at
	if ctx == nil {
		s.pending = append(s.pending, batches...)
		s.mu.Unlock()
		s.ready.Signal()
		return
	}
	s.callers++
	s.mu.Unlock()
	defer s.leave() // deferred, for a Settle that ends this goroutine
	if len(batches) == 1 {
		s.append(ctx, batches, nil)
		return
	}
	joined := s.joined.Get().(*[]engine.Append)
	s.append(ctx, batches, joined)
	clear(*joined)
	s.joined.Put(joined)
}

// leave says that a caller has appended what it recorded.
func (s *Store) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callers--
	if s.closed {
		s.ready.Signal()
	}
}

// Close says that no further batch will come.
func (s *Store) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.ready.Signal()
}

// Run appends what is recorded until Close, and returns when all of it is settled and the sinks behind have got it. Once
// ctx is done, batches that are not with the store yet are answered with its error, nothing stored, and the sinks behind
// are cut off; Run still waits for Close.
func (s *Store) Run(ctx context.Context) error {
	if s.used.Swap(true) {
		return fmt.Errorf("sinks: store sink used before, make a new one: %w", engine.ErrClosed)
	}
	tail, err := s.follow(ctx)
	if s.store.Capabilities().Instant {
		s.mu.Lock()
		s.at = ctx
		s.mu.Unlock()
	}
	var group []*engine.Batch
	var appends []engine.Append
	for {
		if group = s.gather(group); group == nil {
			break
		}
		s.append(ctx, group, &appends)
	}
	return errors.Join(err, tail.end())
}

// gather waits for batches and takes them all; used is the group before, whose array it uses again. Nil says that there
// will be none.
func (s *Store) gather(used []*engine.Batch) []*engine.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pending) == 0 {
		if s.closed && s.callers == 0 {
			s.ended = true
			return nil
		}
		s.ready.Wait()
	}
	clear(used)
	group := s.pending
	s.pending = used[:0]
	return group
}

// append brings a group to the store in calls of bounded size, a batch never split, and settles each batch. The appends
// of a call are joined in an array that the next one uses again. Once ctx is done nothing is stored.
func (s *Store) append(ctx context.Context, group []*engine.Batch, joined *[]engine.Append) {
	if ctx.Err() != nil {
		answer(group, ctx.Err())
		return
	}
	for len(group) > 0 {
		appends, n := group[0].Appends, 1
		if len(group) > 1 {
			n = join(group, joined)
			appends = *joined
		}
		results := s.call(ctx, appends)
		for _, batch := range group[:n] {
			size := len(batch.Appends) // asked for first: a batch that is settled is its maker's again
			batch.Settle(results[:size])
			results = results[size:]
		}
		group = group[n:]
	}
}

// join puts the appends of as many batches as go into one call into the array, and says how many batches these are.
func join(group []*engine.Batch, into *[]engine.Append) (n int) {
	clear(*into)
	appends := (*into)[:0]
	for n < len(group) && (n == 0 || len(appends)+len(group[n].Appends) <= groupAppends) {
		appends = append(appends, group[n].Appends...)
		n++
	}
	*into = appends
	return n
}

// call appends to the store. A store that panics or answers in the wrong number may have stored anything: unknown.
func (s *Store) call(ctx context.Context, appends []engine.Append) (results []engine.Result) {
	defer func() {
		if v := recover(); v != nil {
			results = unknown(len(appends), fmt.Errorf("the store panicked: %v", v))
		}
	}()
	results = s.store.Append(ctx, appends)
	if len(results) != len(appends) {
		return unknown(len(appends), fmt.Errorf("the store gave %d results for %d appends", len(results), len(appends)))
	}
	return results
}

func unknown(n int, cause error) []engine.Result {
	results := make([]engine.Result, n)
	for i := range results {
		results[i].Err = fmt.Errorf("sinks: %w: %w", engine.ErrUnknown, cause)
	}
	return results
}

// answer settles batches that do not reach the store.
func answer(group []*engine.Batch, err error) {
	for _, batch := range group {
		results := make([]engine.Result, len(batch.Appends))
		for i := range results {
			results[i].Err = err
		}
		batch.Settle(results)
	}
}
