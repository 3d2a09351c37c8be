package pipeline

import (
	"runtime"
	"time"
)

const (
	// longLook is how long the belt looks for the lock of the lanes before it falls asleep: many times as long as a row of
	// them takes to be entered or let go. Beside goroutines that only compute, a single look away may last longer.
	longLook = time.Millisecond
	// lockLooks ends it in any case: about as many as longLook has, for the clock of a test may stand still.
	lockLooks = 5000
)

// lock takes the lock where commands pass in numbers. While somebody has it, others who are ready run first, and it looks
// again: what is done under the lock takes less time than a goroutine and its processor need to fall asleep and to wake. One
// looks at a time; more would get into each other's way, so they sleep. Where the store takes its time, all do.
func (ls *lanes) lock() {
	if ls.patient || !ls.mu.TryLock() && !ls.look() {
		ls.mu.Lock()
	}
}

// look looks for the lock for a while, and tells whether it got it.
func (ls *lanes) look() bool {
	if ls.looking.Swap(true) {
		return false
	}
	defer ls.looking.Store(false)
	began := time.Now()
	for looks := 0; looks < lockLooks && time.Since(began) < longLook; looks++ {
		runtime.Gosched()
		if ls.mu.TryLock() {
			return true
		}
	}
	return false
}
