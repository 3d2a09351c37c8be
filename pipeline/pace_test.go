package pipeline

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// teach lets a handler be seen n times.
func (p *pace) teach(handler, n int, took time.Duration) {
	for range n {
		p.learn(handler, took)
	}
}

// A route is quick when each of its handlers was seen often enough and is quick on average.
func TestPaceLearns(t *testing.T) {
	p := newPace(2)
	require.False(t, p.quick(), "nothing is known")
	p.teach(0, 10*learnCalls, 0)
	p.teach(1, learnCalls-1, 0)
	require.False(t, p.quick(), "the second was not seen often enough")
	p.learn(1, 0)
	require.True(t, p.quick())

	p.teach(0, learnCalls-1, 0)
	p.learn(0, time.Millisecond) // one that waited once among many that did not
	p.teach(1, learnCalls, 0)
	require.False(t, p.quick(), "on average the first takes too long")
	p.teach(0, learnCalls, quickCall-1)
	p.teach(1, learnCalls, quickCall-1)
	require.True(t, p.quick(), "it starts anew after each decision")
	p.teach(0, learnCalls, quickCall)
	p.teach(1, learnCalls, 0)
	require.False(t, p.quick())
}

// Of inline calls many are judged together: one that took long is a pause of the program, when the others were quick.
func TestPaceOfInlineCalls(t *testing.T) {
	const many = 4 * learnCalls
	p := newPace(1)
	p.teach(0, learnCalls, 0)
	p.inline(many*quickCall-1, 1)
	p.inline(0, many-1)
	require.True(t, p.quick())
	p.inline(0, 1)
	p.inline(many*quickCall, many-1)
	require.False(t, p.quick())
}

// What was seen before counts no more when a call did not come back.
func TestPaceForgets(t *testing.T) {
	p := newPace(1)
	p.teach(0, learnCalls, 0)
	require.True(t, p.quick())
	p.waits()
	require.False(t, p.quick())
	p.teach(0, learnCalls-1, 0)
	p.waits()
	p.learn(0, 0)
	require.False(t, p.quick(), "it takes all of the calls again")
	p.teach(0, learnCalls-1, 0)
	require.True(t, p.quick())
}

// Many learn and ask at once: for the race detector.
func TestPaceAtOnce(t *testing.T) {
	p := newPace(3)
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() { p.teach(i, 10*learnCalls, 0) })
		all.Go(func() {
			for range learnCalls {
				p.quick()
				p.inline(0, 1)
			}
		})
	}
	all.Wait()
	require.True(t, p.quick())
}

// While nothing is known every outing is timed, and a few of them once the route is known to wait.
func TestPaceTimes(t *testing.T) {
	p := newPace(1)
	timed := func() (n int) {
		for range sampleEvery {
			if p.timed() {
				n++
			}
		}
		return n
	}
	require.Equal(t, sampleEvery, timed(), "nothing is known")
	p.teach(0, learnCalls, time.Millisecond)
	require.Equal(t, 1, timed(), "it waits")
	p.waits()
	require.Equal(t, sampleEvery, timed(), "nothing is known any more")
	p.teach(0, learnCalls, time.Millisecond)
	require.Equal(t, 1, timed(), "it waits again")
	p.teach(0, learnCalls, 0)
	require.True(t, p.quick(), "it waits no longer")
}
