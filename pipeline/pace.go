package pipeline

import (
	"sync/atomic"
	"time"
)

const (
	// quickCall is what a goroutine costs, about: a call that takes less is done sooner inline.
	quickCall = time.Microsecond
	// quickRow is how many calls in a row must be quick before a route's handlers run inline.
	quickRow = 128
)

// pace knows whether the handlers of one route wait. At first it takes for granted that they do. It decides where calls
// run and nothing else: what comes of them is the same.
type pace struct{ row atomic.Int32 } // quick calls in a row

func (p *pace) quick() bool { return p.row.Load() >= quickRow }

// waits says that a call was not quick.
func (p *pace) waits() { p.row.Store(0) }

func (p *pace) learn(took time.Duration) {
	switch {
	case took >= quickCall:
		p.waits()
	case !p.quick():
		p.row.Add(1)
	}
}
