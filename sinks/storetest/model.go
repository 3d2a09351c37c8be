package storetest

import (
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// model is the rules of a store in their shortest form: what a correct store answers, positions apart, for those are
// the store's own.
type model struct {
	log       []engine.Message
	streams   map[string][]int // the places of an aggregate's messages in the log
	commands  map[engine.ID]receipt
	snapshots map[string][]engine.Snapshot // in version sequence
	letters   []modelLetter                // in number sequence
	kept      uint64                       // letters, ever
}

// receipt is the first result of a command, with the aggregate that it was for and what it said.
type receipt struct {
	aggregate string
	digest    uint64
	result    engine.Result
	end       int // how long the log was behind it: stands for the position
}

func newModel() *model {
	return &model{
		streams: map[string][]int{}, commands: map[engine.ID]receipt{}, snapshots: map[string][]engine.Snapshot{},
	}
}

func (m *model) version(aggregate string) engine.Version {
	return engine.Version(len(m.streams[aggregate]))
}

// call answers the appends of one call as a store does, with no positions, and the places of those positions in the log:
// 0 for none.
func (m *model) call(batch []engine.Append) (results []engine.Result, places []int) {
	results, places = make([]engine.Result, len(batch)), make([]int, len(batch))
	for i := range batch {
		broken := i > 0 && batch[i].Broken(&results[i-1])
		results[i], places[i] = m.append(batch[i], broken)
	}
	return results, places
}

// append answers one append; broken says that it is chained to one that was not stored.
func (m *model) append(a engine.Append, broken bool) (result engine.Result, place int) {
	if err := engine.CheckAppend(&a); err != nil {
		return engine.Result{Err: err}, 0
	}
	if first, ok := m.commands[a.CommandID]; ok {
		if first.aggregate != a.Aggregate || first.digest != 0 && a.Digest != 0 && first.digest != a.Digest {
			return engine.Result{Err: &engine.ReusedError{
				CommandID: a.CommandID, First: first.aggregate, Again: a.Aggregate,
			}}, 0
		}
		m.drop(a.CommandID)
		first.result.Duplicate = true
		return first.result, first.end
	}
	if a.Letter != nil && !broken {
		return m.keep(&a), 0
	}
	version := m.version(a.Aggregate)
	if broken || !a.Expected.Holds(version) {
		return engine.Result{Err: &engine.ConflictError{
			Aggregate: a.Aggregate, Expected: a.Expected, Actual: version,
		}}, 0
	}
	for i := range a.Events {
		m.streams[a.Aggregate] = append(m.streams[a.Aggregate], len(m.log))
		m.log = append(m.log, a.Events[i].Message)
		place = len(m.log)
	}
	result = engine.Result{First: version + 1, Last: m.version(a.Aggregate), Rejection: a.Rejection}
	if !a.CommandID.IsZero() {
		m.drop(a.CommandID)
		m.commands[a.CommandID] = receipt{aggregate: a.Aggregate, digest: a.Digest, result: result, end: place}
	}
	return result, place
}

// load gives the messages of a stream from a version on.
func (m *model) load(aggregate string, from engine.Version) []engine.Message {
	var messages []engine.Message
	for i, place := range m.streams[aggregate] {
		if engine.Version(i+1) >= from {
			messages = append(messages, m.log[place])
		}
	}
	return messages
}

// save keeps a snapshot, or gives the error with which it is refused.
func (m *model) save(s engine.Snapshot) error {
	if err := engine.CheckSnapshot(&s); err != nil {
		return err
	}
	if s.Version > m.version(s.Aggregate) {
		return &engine.ConflictError{
			Aggregate: s.Aggregate, Expected: engine.Exactly(s.Version), Actual: m.version(s.Aggregate),
		}
	}
	kept := m.snapshots[s.Aggregate]
	at, found := slices.BinarySearchFunc(kept, s.Version, func(have engine.Snapshot, v engine.Version) int {
		return int(have.Version) - int(v)
	})
	if found {
		kept[at] = s
		return nil
	}
	m.snapshots[s.Aggregate] = slices.Insert(kept, at, s)
	return nil
}
