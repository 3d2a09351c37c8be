package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/orchestrix-go/orchestrix/engine"
)

// asked is one operation as it was called: an append, or when that is nil a load.
type asked struct {
	aggregate int
	append    *engine.Append
	ids       []engine.ID // of the events to append
	from      engine.Version
}

// answered is what an operation returned.
type answered struct {
	result engine.Result
	ids    []engine.ID // of the events that were loaded
}

// unknown tells whether the store itself does not know what it did.
func (a answered) unknown() bool { return errors.Is(a.result.Err, engine.ErrUnknown) }

// stream is one aggregate as the sequence of what was stored: a list from the last append to the first. It never
// changes, so that states share what they have in common. Nil is the empty stream.
type stream struct {
	before  *stream
	stored  asked
	result  engine.Result
	version engine.Version
	hash    uint64 // of everything up to here
}

func (s *stream) at() engine.Version {
	if s == nil {
		return 0
	}
	return s.version
}

// apply is what a correct store does with an append: its answer, and the stream behind it.
func (s *stream) apply(in asked) (engine.Result, *stream) {
	a := in.append
	for have := s; have != nil && !a.CommandID.IsZero(); have = have.before {
		first := have.stored.append
		if first.CommandID != a.CommandID {
			continue
		}
		if first.Digest != 0 && a.Digest != 0 && first.Digest != a.Digest {
			return engine.Result{Err: &engine.ReusedError{
				CommandID: a.CommandID, First: a.Aggregate, Again: a.Aggregate,
			}}, s
		}
		result := have.result
		result.Duplicate = true
		return result, s
	}
	if !a.Expected.Holds(s.at()) {
		return engine.Result{Err: &engine.ConflictError{
			Aggregate: a.Aggregate, Expected: a.Expected, Actual: s.at(),
		}}, s
	}
	next := &stream{before: s, stored: in, version: s.at() + engine.Version(len(in.ids))}
	next.result = engine.Result{First: s.at() + 1, Last: next.version, Rejection: a.Rejection}
	if s != nil {
		next.hash = s.hash
	}
	next.hash = (next.hash^keyOf(a.CommandID)^a.Digest<<32)*0x100000001b3 + uint64(len(in.ids))
	return next.result, next
}

// load gives the ids of the events from a version on.
func (s *stream) load(from engine.Version) []engine.ID {
	var parts [][]engine.ID
	for have := s; have != nil && have.version >= from; have = have.before {
		ids := have.stored.ids
		if first := have.result.First; first < from {
			ids = ids[from-first:]
		}
		parts = append(parts, ids)
	}
	slices.Reverse(parts)
	return slices.Concat(parts...)
}

// streamModel is one aggregate for porcupine. It is not deterministic: an append with an unknown outcome leads to two
// states, with its effect and without. Aggregates do not meet, so each is judged for itself.
var streamModel = porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		var parts [][]porcupine.Operation
		for _, op := range history {
			aggregate := op.Input.(asked).aggregate
			for len(parts) <= aggregate {
				parts = append(parts, nil)
			}
			parts[aggregate] = append(parts[aggregate], op)
		}
		return parts
	},
	Init: func() []any { return []any{(*stream)(nil)} },
	Step: func(state, input, output any) []any {
		s, in, out := state.(*stream), input.(asked), output.(answered)
		if in.append == nil {
			if slices.Equal(s.load(in.from), out.ids) {
				return []any{s}
			}
			return nil
		}
		want, next := s.apply(in)
		got := out.result
		got.Position = 0
		switch {
		case out.unknown():
			return []any{s, next}
		case got.Err != nil && !errors.Is(got.Err, engine.ErrConflict) && !errors.Is(got.Err, engine.ErrReused):
			return []any{s} // a context that ended, a store that failed: nothing was stored
		case sameResult(want, got) != nil:
			return nil
		}
		return []any{next}
	},
	Equal: func(a, b any) bool { return sameStream(a.(*stream), b.(*stream)) },
	Hash: func(state any) uint64 {
		if s := state.(*stream); s != nil {
			return s.hash
		}
		return 0
	},
	DescribeOperation: func(input, output any) string {
		in, out := input.(asked), output.(answered)
		if in.append == nil {
			return fmt.Sprintf("load %d from %d: %d events %s", in.aggregate, in.from, len(out.ids), keysOf(out.ids))
		}
		return fmt.Sprintf("append %s to %d, command %d, %s: %+v", keysOf(in.ids), in.aggregate,
			keyOf(in.append.CommandID), in.append.Expected, out.result)
	},
	DescribeState: func(state any) string {
		s := state.(*stream)
		return fmt.Sprintf("version %d %s", s.at(), keysOf(s.load(1)))
	},
}

// sameStream compares the last appends and a hash of the rest: commands have unique ids.
func sameStream(a, b *stream) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a == b || a.hash == b.hash && a.version == b.version &&
		a.stored.append.CommandID == b.stored.append.CommandID
}

func keysOf(ids []engine.ID) string {
	keys := make([]uint64, len(ids))
	for i, id := range ids {
		keys[i] = keyOf(id)
	}
	return fmt.Sprint(keys)
}
