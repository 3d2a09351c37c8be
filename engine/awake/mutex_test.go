package awake

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However long somebody has the lock, those who want it wait, the one that tries as well as those who sleep. (No bubble: to
// wait for a mutex does not count as blocked there.)
func TestLockAwakeWaits(t *testing.T) {
	const waiting = 3
	m := new(Mutex)
	m.Lock()
	// Those who wait send once each on both, the test receives, nobody closes. Got has room for all: they end also when the
	// test fails. Begun has none: to send is to meet.
	begun, got := make(chan struct{}), make(chan struct{}, waiting)
	for range waiting {
		go func() {
			begun <- struct{}{}
			m.LockAwake()
			defer m.Unlock()
			got <- struct{}{}
		}()
	}
	for range waiting {
		<-begun
	}
	time.Sleep(10 * longTry) // so that trying is over, as a rule; they must wait in any case
	require.Empty(t, got, "locked beside somebody who has the lock")
	m.Unlock()
	for range waiting {
		select {
		case <-got:
		case <-time.After(time.Minute):
			t.Fatal("hangs")
		}
	}
}

// One tries at a time. When it has done, with or without the lock, another may.
func TestOneTries(t *testing.T) {
	m := new(Mutex)
	m.trying.Store(true)
	require.False(t, m.try(), "tried beside another")
	require.True(t, m.trying.Load(), "the other tries still")
	m.trying.Store(false)

	require.True(t, m.try(), "the lock is free")
	require.False(t, m.trying.Load())
	require.False(t, m.try(), "the test has the lock by now")
	require.False(t, m.trying.Load())
}
