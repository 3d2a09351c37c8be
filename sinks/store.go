package sinks

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

const (
	// groupAppends is how many appends one call of the store holds at most, unless a single batch has more.
	groupAppends = 4096
	// enoughAppends is how many make a call worth while: more than pay for a commit of SQLite (BenchmarkAppend there, a
	// batch of 1 against one of 1000).
	enoughAppends = 256
	// vainYields is how often in a row an appender lets others run first in vain. Where nobody is ready to run all of them
	// take ten microseconds.
	vainYields = 64
	// longLinger ends it in any case: about the time in which 64 callers come back.
	longLinger = 100 * time.Microsecond
)

// Store is the store sink: an engine.Recorder for a pipeline, and a go-streams sink of *engine.Batch at the end of a
// plain chain. It is used once.
//
// Its ordered-append stage takes all batches recorded meanwhile, in the sequence in which they were recorded, appends them
// in one call of the store, and settles them. While the store is busy the next group gathers: a group is as large as the
// load, and nothing waits when there is none. Two goroutines take turns with the store, so that one settles while the
// other appends; to a store whose appends wait for nothing (Capabilities.Instant) whoever records a batch appends it. The
// sequence within an aggregate follows from two facts: the appends of a batch stand in ticket sequence, and an aggregate
// has one batch under way at most.
type Store struct {
	store     engine.Store
	into      func(context.Context, []engine.Append, []engine.Result) []engine.Result // its Append, see reuser; or nil
	followers []streams.Sink

	mu      sync.Mutex
	ready   sync.Cond       // an appender waits for a batch or the close
	pending []*engine.Batch // bounded by the window of the pipeline: each holds commands without an outcome
	waiting int             // appends in pending
	settles int             // appends that are settled just now
	closed  bool            // no batch will come
	ended   bool            // Run has returned: a late batch is answered at once
	at      context.Context // of Run, when whoever records appends; nil before Run and when the appenders do it
	callers int             // who record and append now
	groups  *sync.Pool      // of *group, for these callers; apart, for the runtime keeps a pool in use and what it is part of

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

// reuser is a store that can write its results into an array that served before, as sinks/memory and sinks/sqlite. What
// embeds one is another store than the one that it names.
type reuser interface {
	Reuse() (engine.Store, func(context.Context, []engine.Append, []engine.Result) []engine.Result)
}

// NewStore makes a sink of a store. It starts nothing, and it does not close the store.
func NewStore(store engine.Store) *Store {
	s := &Store{
		store: store, in: make(chan any), done: make(chan struct{}), groups: &sync.Pool{New: func() any { return new(group) }},
	}
	if r, ok := store.(reuser); ok {
		if self, into := r.Reuse(); self == store {
			s.into = into
		}
	}
	s.ready.L = &s.mu
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

// Record takes batches over. To a store that is Instant it appends and settles them before it returns, and may wait as
// Settle may; to any other it does not block.
func (s *Store) Record(batches ...*engine.Batch) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		g := new(group)
		g.add(batches)
		g.settle(refused(len(g.appends), engine.ErrClosed))
		return
	}
	ctx := s.at
	if ctx == nil {
		s.pending = append(s.pending, batches...)
		for _, batch := range batches {
			s.waiting += len(batch.Appends)
		}
		s.mu.Unlock()
		s.ready.Signal()
		return
	}
	s.callers++
	s.mu.Unlock()
	defer s.leave() // deferred, for a Settle that ends this goroutine
	g := s.groups.Get().(*group)
	g.add(batches)
	var results []engine.Result
	defer func() { // deferred, for a store that ends this goroutine
		g.settle(g.answered(results))
		s.groups.Put(g)
	}()
	results = s.append(ctx, g)
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
	// The appender that has the store sends, and receives when it has the results; nobody closes. Capacity 1: one has it.
	turn := make(chan struct{}, 1)
	var appenders sync.WaitGroup
	for range 2 {
		appenders.Go(func() { s.appendAll(ctx, &appenders, turn) })
	}
	appenders.Wait()
	return errors.Join(err, tail.end())
}

// appendAll appends what is recorded until nothing more will be. When a store or a Settle ends its goroutine, another takes
// its place.
func (s *Store) appendAll(ctx context.Context, appenders *sync.WaitGroup, turn chan struct{}) {
	done := false
	defer func() {
		if !done {
			appenders.Go(func() { s.appendAll(ctx, appenders, turn) })
		}
	}()
	for g := new(group); s.appendGroup(ctx, g, turn); {
	}
	done = true
}

// appendGroup appends and settles what was recorded. False: nothing more will be.
func (s *Store) appendGroup(ctx context.Context, g *group, turn chan struct{}) bool {
	defer s.settling(0) // deferred, all of it, for a store or a Settle that ends this goroutine
	var results []engine.Result
	more := false
	defer func() {
		if more {
			g.settle(g.answered(results))
		}
	}()
	func() {
		turn <- struct{}{}
		defer func() { <-turn }()
		if more = s.gather(g); more {
			defer s.settling(len(g.appends))
			results = s.append(ctx, g)
		}
	}()
	return more
}

// settling says how many appends the one appender settles, while the other may have the store.
func (s *Store) settling(appends int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settles = appends
	s.ready.Signal()
}

// gather waits for batches and takes as many as go into one call. False: there will be none.
//
// Whoever is settled may have more to append at once, and one call for all of them costs little more than one for a few.
// Therefore gather does not hurry before there are enough to pay for a call: while a group is settled it waits for the end
// of that, and then it lets those run first who are ready to. When nobody is, that takes some ten microseconds.
func (s *Store) gather(g *group) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pending) == 0 || s.settles > 0 && s.waiting < enoughAppends {
		if s.closed && s.callers == 0 && len(s.pending) == 0 {
			s.ended = true
			return false
		}
		s.ready.Wait()
	}
	s.linger()
	appends, n := 0, 0
	for n < len(s.pending) && (n == 0 || appends+len(s.pending[n].Appends) <= groupAppends) {
		appends += len(s.pending[n].Appends)
		n++
	}
	g.add(s.pending[:n])
	s.pending = slices.Delete(s.pending, 0, n)
	s.waiting -= appends
	return true
}

// linger lets those run first who are ready to, for as long as that brings more appends and takes next to no time: beside
// goroutines that only compute, a single look away may last for milliseconds.
func (s *Store) linger() {
	began := time.Now()
	for vain, before := 0, 0; s.waiting < enoughAppends && vain < vainYields && time.Since(began) < longLinger; vain++ {
		if s.waiting > before {
			vain, before = 0, s.waiting
		}
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
}

// append brings the appends of a group to the store, or answers them when ctx is done. A store that panics or answers in
// the wrong number may have stored anything: unknown.
func (s *Store) append(ctx context.Context, g *group) (results []engine.Result) {
	appends := g.appends
	if err := ctx.Err(); err != nil {
		return refused(len(appends), err)
	}
	defer func() {
		if v := recover(); v != nil {
			results = unknown(len(appends), fmt.Errorf("the store panicked: %v", v))
		}
	}()
	if s.into != nil {
		return s.into(ctx, appends, g.room())
	}
	results = s.store.Append(ctx, appends)
	if len(results) != len(appends) {
		return unknown(len(appends), fmt.Errorf("the store gave %d results for %d appends", len(results), len(appends)))
	}
	return results
}

func unknown(n int, cause error) []engine.Result {
	return refused(n, fmt.Errorf("sinks: %w: %w", engine.ErrUnknown, cause))
}

// refused is the same error for n appends.
func refused(n int, err error) []engine.Result {
	results := make([]engine.Result, n)
	for i := range results {
		results[i].Err = err
	}
	return results
}
