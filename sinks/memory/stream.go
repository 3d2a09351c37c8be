package memory

import "github.com/orchestrix-go/orchestrix/engine"

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
