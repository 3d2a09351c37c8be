package storetest

import (
	"context"
	"slices"

	"pgregory.net/rapid"

	"github.com/orchestrix-go/orchestrix/engine"
)

func (h *history) load() {
	aggregate := pick(h, "aggregate", aggregates)
	from := engine.Version(rapid.IntRange(0, len(h.model.streams[aggregate])+2).Draw(h.t, "from"))
	for _, s := range h.subjects {
		h.loadFrom(s, aggregate, from)
	}
}

// loadFrom compares a stream from a version on with the model's.
func (h *history) loadFrom(s *subject, aggregate string, from engine.Version) {
	var got []engine.Message
	for event, err := range s.store.Load(h.ctx, aggregate, from) {
		h.NoError(err)
		h.Equal(max(from, 1)+engine.Version(len(got)), event.Version, "G3: the stream of %q has a gap", aggregate)
		places := h.model.streams[aggregate]
		h.LessOrEqual(int(event.Version), len(places), "G3: the stream of %q has an event too much", aggregate)
		h.position(s, places[event.Version-1]+1, event.Position)
		got = append(got, event.Message)
	}
	want := h.model.load(aggregate, from)
	h.Equal(len(want), len(got), "G3: the stream of %q from version %d", aggregate, from)
	for i := range want {
		h.Equal(want[i], got[i], "G3: version %d of %q", int(max(from, 1))+i, aggregate)
	}
}

func (h *history) read() {
	// A reader knows the positions that it was given; those of the first subject are known of the others as well.
	var known []int
	for place := range h.subjects[0].positions {
		known = append(known, place)
	}
	slices.Sort(known)
	place := pick(h, "after", known)
	for _, s := range h.subjects {
		if _, ok := s.positions[place]; ok {
			h.readFrom(s, place)
		}
	}
}

// readFrom compares the log behind a place with the model's.
func (h *history) readFrom(s *subject, place int) {
	got := []engine.Message{}
	for event, err := range s.store.Read(h.ctx, s.positions[place]) {
		h.NoError(err)
		h.seen(s, place+len(got)+1, event)
		got = append(got, event.Message)
	}
	h.Equal(len(h.model.log)-place, len(got), "G7: the log behind place %d lacks events", place)
}

// seen compares one event of the log with the model's at that place.
func (h *history) seen(s *subject, place int, event engine.Event) {
	h.LessOrEqual(place, len(h.model.log), "G7: the log has an event too much")
	h.position(s, place, event.Position)
	h.Equal(h.model.log[place-1], event.Message, "G7: place %d of the log", place)
	version := 1 + slices.Index(h.model.streams[event.Subject], place-1)
	h.Equal(engine.Version(version), event.Version, "G3: place %d of the log has a wrong version", place)
}

// follow goes on where the follower of each store stopped, up to the end of the log: here it would wait.
func (h *history) follow() {
	for _, s := range h.subjects {
		if s.followed == len(h.model.log) {
			continue
		}
		ctx, cancel := context.WithTimeout(h.ctx, patience)
		for event, err := range engine.Follow(ctx, s.store, s.positions[s.followed]) {
			h.NoError(err)
			s.followed++
			h.seen(s, s.followed, event)
			if s.followed == len(h.model.log) {
				break
			}
		}
		cancel()
		h.Equal(len(h.model.log), s.followed, "G7: a follower waited although there were events")
	}
}

// breakOff leaves an iteration after some events, more often than a store has connections.
func (h *history) breakOff() {
	most := rapid.IntRange(1, 3).Draw(h.t, "events")
	for _, s := range h.subjects {
		for range 8 {
			n := 0
			for _, err := range s.store.Read(h.ctx, 0) {
				h.NoError(err)
				if n++; n == most {
					break
				}
			}
			h.Equal(min(most, len(h.model.log)), n, "G7: an iteration that was broken off gave another number of events")
		}
	}
}

func (h *history) end() {
	for _, s := range h.subjects {
		end, err := s.store.End(h.ctx)
		h.NoError(err)
		h.position(s, len(h.model.log), end)
	}
}

// reopen closes the stores that keep what they have, and opens them again.
func (h *history) reopen() {
	for _, s := range h.subjects {
		if s.store.Capabilities().Durable {
			h.NoError(s.store.Close())
			s.open()
		}
	}
}

func (h *history) saveSnapshot() {
	aggregate := pick(h, "aggregate", aggregates)
	version := rapid.IntRange(0, len(h.model.streams[aggregate])+1).Draw(h.t, "version")
	h.made++
	s := snapshot(aggregate, engine.Version(version), pick(h, "data", []string{"{}", "\x00", " 1 "}))
	want := h.model.save(s)
	for _, subject := range h.subjects {
		if keeper, ok := subject.store.(engine.Snapshotter); ok {
			h.NoError(sameError(want, keeper.SaveSnapshot(h.ctx, s)))
		}
	}
}

// loadSnapshot asks for the latest snapshot, which must be there, or for one up to a version, which may be forgotten.
func (h *history) loadSnapshot() {
	aggregate := pick(h, "aggregate", aggregates)
	atMost := engine.Version(rapid.IntRange(0, len(h.model.streams[aggregate])+1).Draw(h.t, "at most"))
	kept := h.model.snapshots[aggregate]
	upTo := 0
	for upTo < len(kept) && kept[upTo].Version <= atMost {
		upTo++
	}
	for _, s := range h.subjects {
		keeper, ok := s.store.(engine.Snapshotter)
		if !ok {
			continue
		}
		got, ok, err := keeper.LoadSnapshot(h.ctx, aggregate, atMost)
		h.NoError(err)
		if upTo > 0 && upTo == len(kept) {
			h.True(ok, "the latest snapshot of %q is gone, version %d", aggregate, kept[upTo-1].Version)
			h.Equal(kept[upTo-1], got, "the latest snapshot of %q", aggregate)
		} else if ok {
			h.Contains(kept[:upTo], got, "a snapshot that was not saved, or of a version above %d", atMost)
		}
	}
}
