package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// model is the rules of a store in their shortest form: what a correct store answers, positions apart.
type model struct {
	streams  map[string][]engine.ID // the ids of the events
	commands map[engine.ID]receipt
}

// receipt is the first result of a command, with the aggregate that it was for.
type receipt struct {
	aggregate string
	result    engine.Result
}

// append answers as a store does, with a sentinel as the error and no position.
func (m *model) append(a engine.Append) engine.Result {
	if first, ok := m.commands[a.CommandID]; ok {
		if first.aggregate != a.Aggregate {
			return engine.Result{Err: engine.ErrReused}
		}
		first.result.Duplicate = true
		return first.result
	}
	version := engine.Version(len(m.streams[a.Aggregate]))
	if !a.Expected.Holds(version) {
		return engine.Result{Err: engine.ErrConflict}
	}
	for i := range a.Events {
		m.streams[a.Aggregate] = append(m.streams[a.Aggregate], a.Events[i].ID)
	}
	result := engine.Result{
		First: version + 1, Last: version + engine.Version(len(a.Events)), Rejection: a.Rejection,
	}
	if !a.CommandID.IsZero() {
		m.commands[a.CommandID] = receipt{aggregate: a.Aggregate, result: result}
	}
	return result
}

// randomHistories appends at random to a few aggregates, with ids and versions that are often wrong, and compares every
// answer and every stream with the model's. The seed is logged; the same seed gives the same history.
func randomHistories(p *probe) {
	seed := uint64(time.Now().UnixNano())
	p.t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := &model{streams: map[string][]engine.ID{}, commands: map[engine.ID]receipt{}}
	var used []engine.Append
	for call := range 150 {
		batch := make([]engine.Append, random.IntN(8))
		for i := range batch {
			batch[i] = randomAppend(random, m, used)
			used = append(used, batch[i])
		}
		for i, got := range p.call(batch...) {
			want := m.append(batch[i])
			where := fmt.Sprintf("seed %d, call %d, append %d", seed, call, i)
			if want.Err != nil {
				p.True(errors.Is(got.Err, want.Err), "%s: want %v, got %v", where, want.Err, got.Err)
				continue
			}
			got.Position = 0
			p.Equal(want, got, where)
		}
	}
	for aggregate, want := range m.streams {
		var got []engine.ID
		for _, event := range p.load(aggregate) {
			got = append(got, event.ID)
		}
		p.Equal(want, got, "G3: seed %d: the stream of %q", seed, aggregate)
	}
}

// randomAppend makes an append that is right about half of the time.
func randomAppend(random *rand.Rand, m *model, used []engine.Append) engine.Append {
	aggregate := fmt.Sprint("a", random.IntN(5))
	a := newAppend(aggregate, engine.Exactly(engine.Version(len(m.streams[aggregate]))), random.IntN(4))
	switch random.IntN(10) {
	case 0:
		a.Expected = engine.Any
	case 1:
		a.Expected = engine.Exactly(engine.Version(random.IntN(20)))
	case 2:
		a.CommandID = engine.ID{}
	case 3:
		a.Events, a.Rejection = nil, "rejected at random"
	case 4, 5:
		if len(used) > 0 { // an old command again: as it was, or with its id only
			old := used[random.IntN(len(used))]
			if random.IntN(2) == 0 {
				return old
			}
			a.CommandID = old.CommandID
		}
	}
	return a
}
