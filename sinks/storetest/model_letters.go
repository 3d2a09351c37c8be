package storetest

import (
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// modelLetter is a dead letter, and the aggregate that it was kept for. Its number is the model's: the how many-th letter
// it was.
type modelLetter struct {
	engine.DeadLetter
	aggregate string
}

// letter gives where a letter is, or -1.
func (m *model) letter(id engine.ID) int {
	return slices.IndexFunc(m.letters, func(l modelLetter) bool { return l.ID == id })
}

// keep keeps a letter, or gives the error with which it is refused.
func (m *model) keep(a *engine.Append) engine.Result {
	at := m.letter(a.Letter.ID)
	if at < 0 {
		m.kept++
		letter := a.Letter.Kept()
		letter.Number = m.kept
		m.letters = append(m.letters, modelLetter{letter, a.Aggregate})
		return engine.Result{Letter: m.kept}
	}
	before := &m.letters[at]
	if before.aggregate != a.Aggregate {
		return engine.Result{Err: &engine.ReusedError{CommandID: before.ID, First: before.aggregate, Again: a.Aggregate}}
	}
	before.DeadLetter = a.Letter.Again(&before.DeadLetter)
	return engine.Result{Letter: before.Number}
}

// drop removes a letter, if it is there.
func (m *model) drop(id engine.ID) (was bool) {
	at := m.letter(id)
	if at >= 0 {
		m.letters = slices.Delete(m.letters, at, at+1)
	}
	return at >= 0
}

// behind gives the letter that an aggregate is parked behind, and how many aggregates are parked.
func (m *model) behind(aggregate string) (id engine.ID, parked int) {
	aggregates := map[string]bool{}
	for _, l := range m.letters {
		if l.State == engine.Skipped {
			continue
		}
		if l.aggregate == aggregate && !aggregates[aggregate] {
			id = l.ID
		}
		aggregates[l.aggregate] = true
	}
	return id, len(aggregates)
}
