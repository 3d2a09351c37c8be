// Package awake has a lock for work that takes microseconds, as an append in memory does. Who waits for it may stay awake.
package awake

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// longTry is how long LockAwake tries: long beside what is done under these locks. Beside goroutines that only compute, a
	// single yield may take longer.
	longTry = time.Millisecond
	// mostTries ends it in any case: about as many as longTry has room for, for the clock of a test may stand still.
	mostTries = 5000
)

// Mutex is a sync.Mutex with a second way in, LockAwake, for work that takes less time than a goroutine and its processor need
// to fall asleep and to wake. Its zero value is unlocked.
type Mutex struct {
	sync.Mutex
	trying atomic.Bool // somebody is in try
}

// LockAwake locks. While somebody has the lock, others who are ready run first, and it tries again, for a millisecond; then it
// sleeps as Lock does. One tries at a time; more would get into each other's way, so they sleep.
func (m *Mutex) LockAwake() {
	if !m.TryLock() && !m.try() {
		m.Lock()
	}
}

// try tries for a while, and tells whether it got the lock.
func (m *Mutex) try() bool {
	if m.trying.Swap(true) {
		return false
	}
	defer m.trying.Store(false)
	began := time.Now()
	for tries := 0; tries < mostTries && time.Since(began) < longTry; tries++ {
		runtime.Gosched()
		if m.TryLock() {
			return true
		}
	}
	return false
}
