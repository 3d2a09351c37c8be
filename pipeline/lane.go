package pipeline

import "github.com/orchestrix-go/orchestrix/engine"

// lane is the queue of one aggregate that has commands waiting or under way: data, not a goroutine.
//
// Two invariants give the sequence of an aggregate:
//
//  1. Commands enter at the tail, in ticket sequence, and are taken from the head.
//  2. From take to finish the lane is held: no second worker takes it, so that at most one batch of an aggregate is
//     between its head and the store.
//
// What a conflict, a failure that may pass or a limit sends back re-enters at the head, in ticket sequence, before the lane is
// let go: it is never overtaken.
type lane struct {
	id         string
	head, tail *task
	turn       *turn // that has commands of it, from take to finish
	queued     int32 // from head to tail
	conflicts  int32 // in a row without progress; belongs to whoever holds the lane
	quota
	held  bool // in the ready queue, with a worker, with the store, or resting
	named bool // the id is known to be one; belongs to whoever holds the lane

	newer, older *lane // neighbours among the idle lanes kept as a cache

	// The folded state belongs to whoever holds the lane.
	aggregate engine.Aggregate // nil: load before deciding
	version   engine.Version   // of the aggregate; meaningless without it
	last      engine.Version   // the last version appended through this lane
}

// push enters a command at the tail.
func (l *lane) push(t *task) {
	if l.tail == nil {
		l.head = t
	} else {
		l.tail.next = t
	}
	l.tail = t
	l.queued++
}

// pop takes up to n commands from the head, as a chain. Nearly always those are all, which takes no longer than one.
func (l *lane) pop(n int) (head *task, popped int) {
	head = l.head
	if int(l.queued) <= n {
		popped = int(l.queued)
		l.head, l.tail, l.queued = nil, nil, 0
		return head, popped
	}
	last := head
	for range n - 1 {
		last = last.next
	}
	l.head, last.next = last.next, nil
	l.queued -= int32(n)
	return head, n
}

// unpop puts commands back at the head, in their sequence.
func (l *lane) unpop(tasks []*task) {
	for i := len(tasks) - 1; i >= 0; i-- {
		t := tasks[i]
		t.next = l.head
		l.head = t
		if l.tail == nil {
			l.tail = t
		}
	}
	l.queued += int32(len(tasks))
}

// check gives an error when the aggregate's id is none.
func (l *lane) check() error {
	if l.named {
		return nil
	}
	err := engine.CheckName("subject (the aggregate id)", l.id)
	l.named = err == nil
	return err
}

// forget drops the folded state: it may no longer be what the store has.
func (l *lane) forget() { l.aggregate, l.version = nil, 0 }
