package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// oddMessage makes a message with whatever values an append may have, and the place of it.
func oddMessage(random *rand.Rand, position engine.Position) (m engine.Message, at place) {
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	id := func() (id engine.ID) {
		for i := range id {
			id[i] = byte(random.Uint32())
		}
		return id
	}
	names := []string{"a", "order-17", `say "],["`, `\`, `\\"`, "],[", "{}", "né日本", strings.Repeat(`"`, engine.MaxNameBytes)}
	m = engine.Message{
		ID: id(), Type: pick("t", "u"), Source: pick("s", "r"), Subject: pick(names...), CausationID: id(),
		ContentType: pick("", "", "text/plain"), TraceParent: pick("", "", "00-4bf9-01"),
	}
	m.CorrelationID = m.CausationID
	if random.IntN(3) == 0 {
		m.CorrelationID = id()
	}
	years := []int{1970, 2026, 2026, 2026, 1678, 1, 1677, 2262, 2263, 9999}
	if m.Time = time.Date(years[random.IntN(len(years))], 6, 1, 2, 3, 4, random.IntN(1e9), time.UTC); random.IntN(9) == 0 {
		m.Time = time.Time{}
	}
	if random.IntN(6) > 0 {
		m.Data = engine.Raw(strings.Repeat(pick("x", "],[\"", "\x00\xff"), random.IntN(1+random.IntN(3000))))
	}
	if random.IntN(5) == 0 {
		m.Metadata = map[string]string{pick(names...): pick(names...), "key": "\x00\u2028]}"}
	}
	at = place{
		aggregate: m.Subject, version: engine.Version(random.Uint64() >> random.IntN(64)), position: position,
		previous: engine.Position(random.Uint64() >> (1 + random.IntN(63))),
	}
	if random.IntN(3) > 0 {
		at.size, at.digest, at.command = 1+random.IntN(engine.MaxAppendEvents), random.Uint64(), m.CausationID
		if random.IntN(5) == 0 {
			at.command = id()
		}
	}
	return m, at
}

// odds is events that were written to a store's table behind its back, and what they must be read as.
type odds struct {
	reader   *reader
	messages []engine.Message
	places   []place
}

// newOdds writes events in transactions of some.
func newOdds(t *testing.T, random *rand.Rand, events int) *odds {
	store, _, _ := openFaulty(t)
	w := store.writer
	o := &odds{reader: w.reader, messages: make([]engine.Message, events), places: make([]place, events)}
	require.NoError(t, w.begin.Exec())
	for i := range events {
		o.messages[i], o.places[i] = oddMessage(random, engine.Position(i+1))
		kind, err := w.kinds.number(&o.messages[i])
		require.NoError(t, err)
		require.NoError(t, w.segments.add(&o.messages[i], &o.places[i], kind))
		if random.IntN(40) == 0 {
			require.NoError(t, w.segments.flush())
		}
	}
	require.NoError(t, errors.Join(w.segments.flush(), w.commit.Exec()))
	return o
}

// require makes sure that an event is the one that was written.
func (o *odds) require(t *testing.T, s *segment, position engine.Position) {
	var e engine.Event
	_, err := o.reader.scanner.event(s, position, &e)
	require.NoError(t, err)
	want, at := o.messages[position-1], o.places[position-1]
	require.Equal(t, engine.Event{Message: want, Version: at.version, Position: position}, e)
	require.Equal(t, at, o.reader.scanner.at)
}

// TestSegments writes events with odd values into segments and reads them in sequence, backward and at random.
func TestSegments(t *testing.T) {
	seed := seedOf()
	random := rand.New(rand.NewPCG(seed, 0))
	o := newOdds(t, random, 3000)
	rows, most := 0, 0
	require.NoError(t, o.reader.segments(0, func(s *segment, at engine.Position) (bool, error) {
		if at == s.first {
			rows++
			if s.first < s.last {
				most = max(most, len(s.text)+len(s.data))
			}
		}
		o.require(t, s, at)
		return true, nil
	}))
	for i := range 6000 {
		at := engine.Position(len(o.messages) - i)
		if i >= len(o.messages) {
			at = 1 + engine.Position(random.IntN(len(o.messages)))
		}
		found, err := o.reader.find(at)
		require.NoError(t, err)
		require.True(t, found)
		o.require(t, &o.reader.segment, at)
	}
	found, err := o.reader.find(engine.Position(len(o.messages) + 1))
	require.NoError(t, err)
	require.False(t, found)
	t.Logf("seed %d: %d events in %d segments", seed, len(o.messages), rows)
	require.LessOrEqual(t, most, segmentBytes, "a segment of several events fills a page")
}

// TestSegmentsReportDamage changes every byte of segments, one at a time. Whoever reads all events of one finds out.
func TestSegmentsReportDamage(t *testing.T) {
	seed := seedOf()
	random := rand.New(rand.NewPCG(seed, 1))
	o := newOdds(t, random, 100)
	changed := 0
	require.NoError(t, o.reader.segments(0, func(s *segment, at engine.Position) (bool, error) {
		if at != s.first || len(s.text)+len(s.data) > 2*segmentBytes {
			return true, nil
		}
		whole := segment{first: s.first, last: s.last, base: s.base, text: bytes.Clone(s.text), data: bytes.Clone(s.data)}
		read := func(s segment) (err error) {
			for at := s.first; at <= s.last && err == nil; at++ {
				s.rewind()
				_, err = o.reader.scanner.event(&s, s.first+s.last-at, new(engine.Event)) // the last one first
			}
			return err
		}
		require.NoError(t, read(whole))
		for name, change := range map[string]func(s *segment){
			"first": func(s *segment) { s.first-- }, "longer": func(s *segment) { s.last++ },
			"long": func(s *segment) { s.last = 1 << 60 }, "shorter": func(s *segment) { s.last-- },
			"time": func(s *segment) { s.base ^= 1 << random.IntN(64) }, "moved": func(s *segment) { s.first++; s.last++ },
			"text cut": func(s *segment) { s.text = s.text[:len(s.text)-1] }, "data cut": func(s *segment) { s.data = s.data[:len(s.data)-1] },
		} {
			if damaged := whole; name != "shorter" || whole.first < whole.last {
				change(&damaged)
				require.ErrorIs(t, read(damaged), engine.ErrCorrupt, name)
			}
		}
		for _, part := range [][]byte{whole.text, whole.data} {
			for i := range part {
				was := part[i]
				part[i] ^= 1 << random.IntN(8)
				require.ErrorIs(t, read(whole), engine.ErrCorrupt, fmt.Sprintf("byte %d, 0x%x instead of 0x%x", i, part[i], was))
				part[i] = was
				changed++
			}
		}
		return true, nil
	}))
	t.Logf("seed %d: %d bytes changed", seed, changed)
}
