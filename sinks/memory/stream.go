package memory

import (
	"hash/maphash"
	"strings"

	"github.com/orchestrix-go/orchestrix/engine"
)

// stream is one aggregate: the positions of its events, in version sequence. Version v stands at index v-1.
// A copy of the slice is a view that stays valid, as a copy of the log is.
type stream struct {
	name      string
	positions []engine.Position
}

// version is the number of events.
func (s *stream) version() engine.Version {
	if s == nil {
		return 0
	}
	return engine.Version(len(s.positions))
}

// streams are all streams, found by their names. An entry is the number of a stream.
type streams struct {
	index
	seed maphash.Seed // nobody can choose names that collide
	list pages[stream]
}

func newStreams() streams { return streams{seed: maphash.MakeSeed()} }

// hash spreads the names.
func (s *streams) hash(name string) uint64 { return maphash.String(s.seed, name) }

// find gives the stream with a name, or nil.
func (s *streams) find(name string, hash uint64) *stream {
	found := s.index.find(hash, func(e entry) bool { return s.list.at(uint64(e)).name == name })
	if found == 0 {
		return nil
	}
	return s.list.at(uint64(found))
}

// open makes a stream that is not there yet.
func (s *streams) open(name string, hash uint64) *stream {
	opened, number := s.list.add()
	opened.name = strings.Clone(name) // the caller's string may be part of a large one
	s.add(hash, entry(number))
	return opened
}
