package sqlite

import (
	"bytes"
	"context"
	"fmt"

	"github.com/orchestrix-go/orchestrix/engine"
)

// violation is an answer that breaks a promise: unlike an error of the disk it is never right.
type violation struct{ error }

func violated(format string, args ...any) error { return violation{fmt.Errorf(format, args...)} }

// check reads everything and compares it with what was tried and acknowledged. Then it asks for commands again, as their
// senders would.
func (l *ledger) check(store *Store) error {
	ctx := context.Background()
	events := map[engine.ID][]engine.Event{} // by command
	streams := map[string][]engine.ID{}
	var last engine.ID
	for event, err := range store.Read(ctx, 0) {
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		id := event.CausationID
		if len(events[id]) > 0 && last != id {
			return violated("G2: the events of command %s are not contiguous", id)
		}
		last = id
		events[id] = append(events[id], event)
		streams[event.Subject] = append(streams[event.Subject], event.ID)
		if int(event.Version) != len(streams[event.Subject]) {
			return violated("G3: version %d of %q is number %d in the log", event.Version, event.Subject, len(streams[event.Subject]))
		}
	}
	for id, got := range events {
		if err := l.same(id, got); err != nil {
			return err
		}
	}
	for id, result := range l.acknowledged {
		got := events[id]
		if len(got) == 0 {
			return violated("G1: command %s was acknowledged (versions %d to %d) and is gone", id, result.First, result.Last)
		}
		if got[0].Version != result.First || got[len(got)-1].Position != result.Position {
			return violated("G1: command %s was acknowledged as %+v and is at version %d, position %d",
				id, result, got[0].Version, got[len(got)-1].Position)
		}
	}
	for aggregate, ids := range streams {
		i := 0
		for event, err := range store.Load(ctx, aggregate, 1) {
			if err != nil {
				return fmt.Errorf("load: %w", err)
			}
			if i >= len(ids) || ids[i] != event.ID {
				return violated("G3: version %d of %q is another event than in the log", event.Version, aggregate)
			}
			i++
		}
		if i != len(ids) {
			return violated("G3: the stream of %q ends at version %d instead of %d", aggregate, i, len(ids))
		}
	}
	if err := l.checkLetters(store, events); err != nil {
		return err
	}
	return l.again(store, events)
}

// same compares the events of a command with those that were to be appended.
func (l *ledger) same(id engine.ID, got []engine.Event) error {
	want, tried := l.tried[id]
	switch {
	case !tried:
		return violated("command %s was never sent", id)
	case len(got) < len(want.Events):
		return violated("G2: command %s has %d events of %d", id, len(got), len(want.Events))
	case len(got) > len(want.Events):
		return violated("G6: command %s was stored twice", id)
	}
	for i := range got {
		if got[i].ID != want.Events[i].ID || !bytes.Equal(got[i].Data.(engine.Raw), want.Events[i].Data.(engine.Raw)) {
			return violated("G11: event %d of command %s is not what was appended", i, id)
		}
	}
	return nil
}

// again sends commands again: all of unknown outcome, and some of the others.
func (l *ledger) again(store *Store, stored map[engine.ID][]engine.Event) error {
	known := 0
	for id, a := range l.tried {
		first, acknowledged := l.acknowledged[id]
		if acknowledged {
			if known++; known > 5 {
				continue
			}
		}
		result := store.Append(context.Background(), []engine.Append{a})[0]
		if result.Err != nil {
			return fmt.Errorf("sent again: %w", result.Err)
		}
		if result.Duplicate != (len(stored[id]) > 0) {
			return violated("G6: command %s is stored: %t, answered as a duplicate: %t", id, len(stored[id]) > 0, result.Duplicate)
		}
		result.Duplicate = false
		if acknowledged && result != first {
			return violated("G6: command %s is answered %+v, first %+v", id, result, first)
		}
		l.acknowledged[id] = result
	}
	return nil
}
