package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/orchestrix-go/orchestrix/engine"
)

// truth is what a long history has left in the store.
type truth struct {
	streams   [][]uint64          // by aggregate: the keys of its events, version 1 first
	positions [][]engine.Position // of the same events
	owned     [][]bool            // whether an append that was answered has stored the event
	log       []uint64
}

// judge compares the answers with what the store holds. It looks at every event and every answer once.
func (l *longRun) judge() error {
	if why := l.failed.Load(); why != nil {
		return errors.New(*why)
	}
	truth, err := l.collect()
	if err != nil {
		return err
	}
	if err := truth.reader(l.seen); err != nil {
		return err
	}
	var unknown []appended
	for _, part := range l.parts {
		for _, a := range part.appends {
			if errors.Is(a.result.Err, engine.ErrUnknown) {
				unknown = append(unknown, a)
				continue
			}
			if err := truth.append(a); err != nil {
				return err
			}
		}
		for _, load := range part.loads {
			if err := truth.load(load); err != nil {
				return err
			}
		}
	}
	return truth.strangers(unknown)
}

// collect reads the log and every stream, which must say the same.
func (l *longRun) collect() (*truth, error) {
	t := &truth{
		streams: make([][]uint64, l.Aggregates), positions: make([][]engine.Position, l.Aggregates),
		owned: make([][]bool, l.Aggregates),
	}
	numbers, ctx := make(map[string]int, l.Aggregates), context.Background()
	for i := range l.Aggregates {
		numbers[nameOf(i)] = i
	}
	var last engine.Position
	for event, err := range l.store.Read(ctx, 0) {
		if err != nil {
			return nil, err
		}
		on, ok := numbers[event.Subject]
		switch {
		case !ok:
			return nil, fmt.Errorf("the log holds an event of %q, to which nothing was appended", event.Subject)
		case event.Position <= last:
			return nil, fmt.Errorf("G7: position %d comes behind %d", event.Position, last)
		case event.Version != engine.Version(len(t.streams[on])+1):
			return nil, fmt.Errorf("G3: %q has version %d where %d was due", event.Subject, event.Version, len(t.streams[on])+1)
		}
		last = event.Position
		t.streams[on] = append(t.streams[on], keyOf(event.ID))
		t.positions[on] = append(t.positions[on], event.Position)
		t.log = append(t.log, keyOf(event.ID))
	}
	for i, keys := range t.streams {
		t.owned[i] = make([]bool, len(keys))
		n := 0
		for event, err := range l.store.Load(ctx, nameOf(i), 1) {
			if err != nil {
				return nil, err
			}
			if n >= len(keys) || keyOf(event.ID) != keys[n] {
				return nil, fmt.Errorf("G7: Load of %q gives another event than Read at version %d", nameOf(i), n+1)
			}
			n++
		}
		if n != len(keys) {
			return nil, fmt.Errorf("G7: Load of %q gives %d events, Read %d", nameOf(i), n, len(keys))
		}
	}
	return t, nil
}

// reader makes sure that who followed the log saw it as it is now.
func (t *truth) reader(seen []uint64) error {
	for i, key := range seen {
		if i >= len(t.log) || t.log[i] != key {
			return fmt.Errorf("G7: a reader saw event %x at place %d of the log, now another one stands there", key, i+1)
		}
	}
	if len(seen) != len(t.log) {
		return fmt.Errorf("G7: a reader saw %d of %d events", len(seen), len(t.log))
	}
	return nil
}

// append makes sure that what was answered to an append is true.
func (t *truth) append(a appended) error {
	version, name := engine.Version(len(t.streams[a.aggregate])), nameOf(a.aggregate)
	if err := a.result.Err; err != nil {
		var conflict *engine.ConflictError
		if !errors.As(err, &conflict) {
			return fmt.Errorf("an append to %q failed: %w", name, err)
		}
		if conflict.Actual < a.acked || conflict.Actual > version || a.expected.Holds(conflict.Actual) {
			return fmt.Errorf("G4: %q was said to be at version %d, %d was acknowledged, %d is the last: %w",
				name, conflict.Actual, a.acked, version, err)
		}
		return nil // that none of its events is there is seen by strangers
	}
	r := a.result
	switch {
	case r.Duplicate:
		return fmt.Errorf("G6: a new command to %q was answered as a duplicate", name)
	case r.First == 0 || r.Last != r.First+engine.Version(a.events)-1 || r.Last > version:
		return fmt.Errorf("G1: %d events were acknowledged as versions %d to %d of %q, which has %d",
			a.events, r.First, r.Last, name, version)
	case r.First <= a.acked:
		return fmt.Errorf("G3: version %d of %q was given away when %d was acknowledged already", r.First, name, a.acked)
	case !a.expected.Holds(r.First - 1):
		return fmt.Errorf("G4: an append to %q that expected %s was stored at %d", name, a.expected, r.First)
	}
	for i := range a.events {
		at := int(r.First) - 1 + i
		if t.streams[a.aggregate][at] != a.first+uint64(i) {
			return fmt.Errorf("G2: version %d of %q is not the event that was acknowledged as such", at+1, name)
		}
		t.owned[a.aggregate][at] = true
	}
	if a.events > 0 && t.positions[a.aggregate][r.Last-1] != r.Position {
		return fmt.Errorf("G7: version %d of %q was acknowledged at position %d, it is at %d",
			r.Last, name, r.Position, t.positions[a.aggregate][r.Last-1])
	}
	return nil
}

// load makes sure that a load gave what the stream has at that place, and no less than was acknowledged.
func (t *truth) load(l loaded) error {
	keys := t.streams[l.aggregate]
	from := int(l.from) - 1
	if from+l.n > len(keys) {
		return fmt.Errorf("G1: a load of %q gave version %d, which is gone", nameOf(l.aggregate), from+l.n)
	}
	if engine.Version(from+l.n) < l.acked {
		return fmt.Errorf("G3: a load of %q ended at version %d when %d was acknowledged already",
			nameOf(l.aggregate), from+l.n, l.acked)
	}
	var hash uint64
	for _, key := range keys[from : from+l.n] {
		hash = hash*31 + key
	}
	if hash != l.hash {
		return fmt.Errorf("G3: a load of %q from version %d gave other events than stand there", nameOf(l.aggregate), l.from)
	}
	return nil
}

// strangers makes sure that every event belongs to an append that was stored, or, whole, to one with an unknown outcome.
func (t *truth) strangers(unknown []appended) error {
	maybe := make(map[uint64]appended, len(unknown))
	for _, a := range unknown {
		maybe[a.first] = a
	}
	for on, keys := range t.streams {
		for at := 0; at < len(keys); at++ {
			if t.owned[on][at] {
				continue
			}
			a, ok := maybe[keys[at]]
			if !ok || a.aggregate != on {
				return fmt.Errorf("G2: version %d of %q belongs to no append that was acknowledged: it was refused, or "+
					"stored twice, or stored in part", at+1, nameOf(on))
			}
			delete(maybe, keys[at])
			for i := range a.events {
				if at+i >= len(keys) || keys[at+i] != a.first+uint64(i) || t.owned[on][at+i] {
					return fmt.Errorf("G2: an append to %q with an unknown outcome is there in part", nameOf(on))
				}
			}
			at += a.events - 1
		}
	}
	return nil
}
