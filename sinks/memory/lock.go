package memory

import (
	"runtime"
	"time"
)

const (
	// longLook is how long an append or a load looks for the lock before it falls asleep: ten times as long as a row of a
	// pipeline's lanes takes to be appended. Beside goroutines that only compute, a single look away may last longer.
	longLook = time.Millisecond
	// lockLooks ends it in any case: about as many as longLook has, for the clock of a test may stand still.
	lockLooks = 5000
)

// lock takes the lock for an append, or for a load, which a worker waits for. While somebody has it, others who are ready
// run first, and it looks again: an append takes less time than a goroutine and its processor need to fall asleep and to
// wake. One looks at a time; more would get into each other's way, so they sleep.
func (s *Store) lock() {
	if !s.mu.TryLock() && !s.look() {
		s.mu.Lock()
	}
}

// look looks for the lock for a while, and tells whether it got it.
func (s *Store) look() bool {
	if s.looking.Swap(true) {
		return false
	}
	defer s.looking.Store(false)
	began := time.Now()
	for looks := 0; looks < lockLooks && time.Since(began) < longLook; looks++ {
		runtime.Gosched()
		if s.mu.TryLock() {
			return true
		}
	}
	return false
}
