package pipeline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A call that ended its goroutine, or was given up, says nothing about how long its handler takes.
func TestOutingLearns(t *testing.T) {
	pace := newPace(1)
	o := &outing{list: make([]call, learnCalls), legs: make([]leg, learnCalls)}
	for i := range o.list {
		o.list[i] = call{task: &task{pace: pace}, state: returned}
	}
	o.learn()
	require.False(t, pace.quick())
	for i := range o.legs {
		o.legs[i].timed = true
	}
	o.list[0].state = givenUp
	o.learn()
	require.False(t, pace.quick(), "one is still missing")
	o.list[0].state = returned
	o.learn()
	require.True(t, pace.quick())
}
