package simulate

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync/atomic"

	"github.com/orchestrix-go/orchestrix/engine"
)

// session is the store as one pipeline sees it: it takes its time, fails now and then, has another writer in it, and ends
// with the process. It keeps account of what is really stored.
type session struct {
	engine.Store
	l      *life
	closed atomic.Bool // nothing is stored any more, and nothing is read
}

// Capabilities are those of the store behind, but for who appends.
func (s *session) Capabilities() engine.Capabilities {
	c := s.Store.Capabilities()
	c.Instant = s.l.w.instant
	return c
}

// Append gives each append a fate of its own.
func (s *session) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	l, w := s.l, s.l.w
	w.writers.Add(1)
	defer w.writers.Add(-1)
	lead := numberOf(&batch[0])
	at := spot{calling, lead, l.number}
	n := w.try(at)
	w.sleep(at, w.upTo(w.storage, at, n))
	if l.meets(storeHangs, at, n) {
		w.happens(storeHangs)
		w.sleep(at, w.upTo(w.hang, at, n))
	}
	results := make([]engine.Result, len(batch))
	if err := ctx.Err(); err != nil {
		for i := range results {
			results[i].Err = err
		}
		return results
	}
	panicking, exiting := l.meets(storePanics, at, n), l.meets(storeExits, at, n)
	before := (panicking || exiting) && w.below(2, at, n) == 0
	for i := range batch {
		if before {
			break
		}
		results[i] = s.appendOne(&batch[i], i > 0 && batch[i].Broken(&results[i-1]))
	}
	if panicking {
		panic(l.misfortune(storePanics, at, n))
	}
	if exiting {
		_ = l.misfortune(storeExits, at, n) // counted, and told to nobody
		runtime.Goexit()
	}
	w.sleep(at, w.upTo(w.storage, at, -n))
	return results
}

// numberOf tells which command an append is for.
func numberOf(a *engine.Append) int {
	if a.Letter != nil {
		return commandNumbers[a.Letter.Command.ID]
	}
	return commandNumbers[a.CommandID]
}

// appendOne stores an append, or not. One that cannot be stored because the one before it was not does not meet its fate
// yet: how many there are behind a conflict is a matter of luck.
func (s *session) appendOne(a *engine.Append, broken bool) engine.Result {
	l := s.l
	number := numberOf(a)
	if s.closed.Load() {
		return engine.Result{Err: engine.ErrClosed}
	}
	alone := *a
	alone.Chained = false
	if broken {
		alone = engine.Append{Aggregate: a.Aggregate, CommandID: a.CommandID, Digest: a.Digest, Expected: engine.Never}
	}
	if broken || l.calm {
		return s.forward(number, &alone)
	}
	at := spot{storing, number, l.number}
	n := l.w.try(at)
	switch f := l.fateOf(at, n); f {
	case intrusion:
		l.w.happens(f)
		s.intrude(a.Aggregate, at, n)
		return s.forward(number, &alone)
	case refusal:
		return engine.Result{Err: l.misfortune(f, at, n)}
	case lostReply:
		if r := s.forward(number, &alone); r.Err != nil && a.Letter == nil {
			return r // it met a conflict, which is an answer
		}
		return engine.Result{Err: fmt.Errorf("%w: %w", engine.ErrUnknown, l.misfortune(f, at, n))}
	case lostRequest:
		return engine.Result{Err: fmt.Errorf("%w: %w", engine.ErrUnknown, l.misfortune(f, at, n))}
	}
	return s.forward(number, &alone)
}

func (l *life) fateOf(at spot, n int) fault {
	for _, f := range [...]fault{intrusion, refusal, lostReply, lostRequest} {
		if l.meets(f, at, n) {
			return f
		}
	}
	return none
}

// forward brings one append to the store, and notes its effect.
func (s *session) forward(number int, a *engine.Append) engine.Result {
	s.mayStore(number, a)
	r := s.Store.Append(context.Background(), []engine.Append{*a})[0]
	if r.Err == nil && !r.Duplicate && r.Letter == 0 {
		s.l.w.effected(s.l, number, &r)
	}
	return r
}

// intrude appends a deposit, as another program would.
func (s *session) intrude(aggregate string, at spot, n int) {
	w := s.l.w
	deposit := added{Number: -1, Amount: w.below(5, at, n)}
	s.Store.Append(context.Background(), []engine.Append{{
		Aggregate: aggregate, Expected: engine.Any, Events: []engine.Event{{Message: engine.Message{
			ID: engine.NewID(), Type: "added", Subject: aggregate, Data: deposit,
		}}},
	}})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.strange++
	w.note(w.input[at.number].aggregate, func() string {
		return fmt.Sprintf("another writer adds %d ahead of #%d", deposit.Amount, at.number)
	})
}

// Load takes its time and fails now and then, at the beginning or on the way.
func (s *session) Load(ctx context.Context, aggregate string, from engine.Version) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		l, w := s.l, s.l.w
		a := aggregateNumber(aggregate)
		at := spot{loading, a, l.number}
		n := w.try(at)
		w.sleep(at, w.upTo(w.storage, at, n))
		if s.closed.Load() {
			yield(engine.Event{}, engine.ErrClosed)
			return
		}
		fails, panics := l.meets(loadFails, at, n), l.meets(loadPanics, at, n)
		whole := w.below(3, at, n)
		for event, err := range s.Store.Load(ctx, aggregate, from) {
			if whole--; (fails || panics) && whole < 0 {
				break
			}
			if !yield(event, err) {
				return
			}
		}
		if panics {
			panic(l.misfortune(loadPanics, at, n))
		}
		if fails {
			yield(engine.Event{}, l.misfortune(loadFails, at, n))
		}
	}
}
