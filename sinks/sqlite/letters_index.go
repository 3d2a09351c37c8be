package sqlite

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/orchestrix-go/orchestrix/engine"
)

// letterIndex knows of every dead letter that is committed what a writer and a pipeline ask for: it answers without the
// file. Only the writer's goroutine changes it, so that this one may read it without the lock.
type letterIndex struct {
	parked atomic.Int64 // aggregates with a queue: most stores never have one, and a look at it is cheap

	mu     sync.RWMutex
	byID   map[engine.ID]letterHead
	queues map[string][]queued // those that are parked or wait, of each aggregate that has some, in number sequence
}

// letterHead is what is known of a letter in memory.
type letterHead struct {
	number    uint64
	aggregate string
	state     engine.LetterState
}

type queued struct {
	number uint64
	id     engine.ID
}

func (q queued) compare(number uint64) int { return cmp.Compare(q.number, number) }

func newLetterIndex() *letterIndex {
	return &letterIndex{byID: make(map[engine.ID]letterHead), queues: make(map[string][]queued)}
}

// apply takes over what a transaction changed; nil is a letter that is gone.
func (x *letterIndex) apply(changed map[engine.ID]*letterHead) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range changed {
		if before, there := x.byID[id]; there {
			x.remove(id, before)
		}
	}
	for id, head := range changed {
		if head != nil {
			x.add(id, *head)
		}
	}
	x.parked.Store(int64(len(x.queues)))
}

func (x *letterIndex) add(id engine.ID, head letterHead) {
	x.byID[id] = head
	if head.state == engine.Skipped {
		return
	}
	queue := x.queues[head.aggregate]
	at, _ := slices.BinarySearchFunc(queue, head.number, queued.compare)
	x.queues[head.aggregate] = slices.Insert(queue, at, queued{head.number, id})
}

func (x *letterIndex) remove(id engine.ID, head letterHead) {
	delete(x.byID, id)
	if head.state == engine.Skipped {
		return
	}
	queue := x.queues[head.aggregate]
	switch at, _ := slices.BinarySearchFunc(queue, head.number, queued.compare); {
	case len(queue) == 1:
		delete(x.queues, head.aggregate)
	case at == 0:
		x.queues[head.aggregate] = queue[1:] // a replay takes them one after the other
	default:
		x.queues[head.aggregate] = slices.Delete(queue, at, at+1)
	}
}

// first gives the letter that an aggregate is parked behind. While nothing is parked it takes no lock.
func (x *letterIndex) first(aggregate string) (engine.ID, bool) {
	if x.parked.Load() == 0 {
		return engine.ID{}, false
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if queue := x.queues[aggregate]; len(queue) > 0 {
		return queue[0].id, true
	}
	return engine.ID{}, false
}

func (x *letterIndex) count() (letters, parked int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.byID), len(x.queues)
}
