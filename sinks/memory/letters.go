package memory

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/orchestrix-go/orchestrix/engine"
)

// errFull is the answer to one letter too many.
var errFull = &engine.LimitError{What: "store", Why: fmt.Sprintf(
	"has %d dead letters, no more are kept: replay or drop some", engine.MaxDeadLetters,
)}

// letters keeps dead letters. One that changes is replaced, so that a reader needs the store's lock only to note which
// there are.
type letters struct {
	byID   map[engine.ID]*letter
	all    []slot               // in number sequence; of those that are gone too, until they are the most
	queues map[string][]*letter // those that are parked or wait, of each aggregate that has some, in number sequence
	last   uint64               // number that was given
	parked atomic.Int64         // aggregates with a queue: most stores never have one, and a look at it is cheap
}

// letter is one that is kept, and the aggregate that it was kept for.
type letter struct {
	engine.DeadLetter
	aggregate string
}

// slot is the place of a letter; nil is one that is gone.
type slot struct {
	number uint64
	letter *letter
}

func (s slot) compare(number uint64) int { return cmp.Compare(s.number, number) }

func (n *letter) compare(number uint64) int { return cmp.Compare(n.Number, number) }

func newLetters() letters {
	return letters{byID: make(map[engine.ID]*letter), queues: make(map[string][]*letter)}
}

// keep keeps the letter of an append, in its place when it is there already.
func (l *letters) keep(a *engine.Append) engine.Result {
	before := l.byID[a.Letter.ID]
	switch {
	case before == nil && len(l.byID) >= engine.MaxDeadLetters:
		return engine.Result{Err: errFull}
	case before == nil:
		l.last++
		kept := &letter{a.Letter.Kept(), a.Aggregate}
		kept.Number = l.last
		l.add(kept)
		return engine.Result{Letter: kept.Number}
	case before.aggregate != a.Aggregate:
		return engine.Result{Err: &engine.ReusedError{CommandID: before.ID, First: before.aggregate, Again: a.Aggregate}}
	}
	l.replace(before, &letter{a.Letter.Again(&before.DeadLetter), before.aggregate})
	return engine.Result{Letter: before.Number}
}

// stored removes the letter of a command whose events are stored.
func (l *letters) stored(id engine.ID) {
	if len(l.byID) > 0 {
		if there := l.byID[id]; there != nil {
			l.remove(there)
		}
	}
}

func (l *letters) add(n *letter) {
	l.byID[n.ID] = n
	if at, found := slices.BinarySearchFunc(l.all, n.Number, slot.compare); found {
		l.all[at].letter = n
	} else {
		l.all = append(l.all, slot{n.Number, n}) // a number that is new is the highest
	}
	if n.State == engine.Skipped {
		return
	}
	queue := l.queues[n.aggregate]
	if len(queue) == 0 {
		l.parked.Add(1)
	}
	at, _ := slices.BinarySearchFunc(queue, n.Number, (*letter).compare)
	l.queues[n.aggregate] = slices.Insert(queue, at, n)
}

func (l *letters) remove(n *letter) {
	l.take(n)
	if len(l.all) > 2*len(l.byID)+16 {
		l.all = slices.DeleteFunc(l.all, func(s slot) bool { return s.letter == nil })
	}
}

// take removes a letter and leaves its slot.
func (l *letters) take(n *letter) {
	delete(l.byID, n.ID)
	at, _ := slices.BinarySearchFunc(l.all, n.Number, slot.compare)
	l.all[at].letter = nil
	if n.State == engine.Skipped {
		return
	}
	queue := l.queues[n.aggregate]
	switch at, _ := slices.BinarySearchFunc(queue, n.Number, (*letter).compare); {
	case len(queue) == 1:
		delete(l.queues, n.aggregate)
		l.parked.Add(-1)
	case at == 0:
		queue[0] = nil
		l.queues[n.aggregate] = queue[1:] // a replay takes them one after the other
	default:
		l.queues[n.aggregate] = slices.Delete(queue, at, at+1)
	}
}

func (l *letters) replace(before, after *letter) {
	l.take(before)
	l.add(after)
}

// after gives the letters with a number above another.
func (l *letters) after(number uint64) (letters []*letter) {
	at, found := slices.BinarySearchFunc(l.all, number, slot.compare)
	if found {
		at++
	}
	for _, s := range l.all[at:] {
		if s.letter != nil {
			letters = append(letters, s.letter)
		}
	}
	return letters
}

// DeadLetters reads the letters with a number above after, in number sequence, as they are when the iteration starts.
func (s *Store) DeadLetters(ctx context.Context, after uint64) iter.Seq2[engine.DeadLetter, error] {
	return func(yield func(engine.DeadLetter, error) bool) {
		s.mu.Lock()
		closed, letters := s.closed, s.letters.after(after)
		s.mu.Unlock()

		if closed {
			yield(engine.DeadLetter{}, engine.ErrClosed)
			return
		}
		for _, n := range letters {
			if err := ctx.Err(); err != nil {
				yield(engine.DeadLetter{}, err)
				return
			}
			if !yield(n.DeadLetter, nil) {
				return
			}
		}
	}
}

// DeadLetter finds a letter by its id. False: there is none.
func (s *Store) DeadLetter(ctx context.Context, id engine.ID) (engine.DeadLetter, bool, error) {
	if err := ctx.Err(); err != nil {
		return engine.DeadLetter{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return engine.DeadLetter{}, false, engine.ErrClosed
	}
	if n := s.letters.byID[id]; n != nil {
		return n.DeadLetter, true, nil
	}
	return engine.DeadLetter{}, false, nil
}

// CountDeadLetters tells how many letters there are, and how many aggregates are parked.
func (s *Store) CountDeadLetters() (letters, parked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.letters.byID), len(s.letters.queues)
}

// ParkedBehind gives the first letter of an aggregate that is parked or waits. While nothing is parked it takes no lock.
func (s *Store) ParkedBehind(aggregate string) (engine.ID, bool) {
	if s.letters.parked.Load() == 0 {
		return engine.ID{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if queue := s.letters.queues[aggregate]; len(queue) > 0 {
		return queue[0].ID, true
	}
	return engine.ID{}, false
}

// DropDeadLetters removes letters and says how many there were.
func (s *Store) DropDeadLetters(ctx context.Context, ids ...engine.ID) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, engine.ErrClosed
	}
	for _, id := range ids {
		if there := s.letters.byID[id]; there != nil {
			s.letters.remove(there)
			n++
		}
	}
	return n, nil
}

// EditDeadLetter puts another command in the place of a letter's. See [engine.DeadLetterStore].
func (s *Store) EditDeadLetter(ctx context.Context, id engine.ID, command *engine.Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	there := s.letters.byID[id]
	switch {
	case s.closed:
		return engine.ErrClosed
	case there == nil:
		return fmt.Errorf("memory: there is no dead letter %s", id)
	}
	edited, err := there.Edited(command)
	if err != nil {
		return err
	}
	if edited.ID != id {
		if other := s.letters.byID[edited.ID]; other != nil {
			return &engine.ReusedError{CommandID: edited.ID, First: other.aggregate, Again: command.Subject}
		}
		if first := s.commands.find(&edited.ID, s.commands.hash(&edited.ID), &s.log); first != 0 {
			stream, _, _ := s.first(first)
			return &engine.ReusedError{CommandID: edited.ID, First: stream.name, Again: command.Subject}
		}
	}
	s.letters.replace(there, &letter{edited, command.Subject})
	return nil
}
