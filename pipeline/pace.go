package pipeline

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// quickCall is what a goroutine costs, about: calls that take less on average are done sooner inline.
	quickCall = time.Microsecond
	// learnCalls is how many timed calls of a handler it takes to find out.
	learnCalls = 64
	// sampleEvery: of so many outings one is timed once a route is known to be slow. Two looks at the clock for each call
	// cost as much as its goroutine.
	sampleEvery = 8
	// judgeAfter is how long calls may take inline together before they are judged at once.
	judgeAfter = 2 * time.Millisecond
)

// pace knows whether the handlers of one route wait. At first it takes for granted that they do. It decides where calls
// run and nothing else: what comes of them is the same.
type pace struct {
	verdict atomic.Uint32 // unknown, quick or slow
	outings atomic.Uint32 // since it was found to be slow, about

	mu      sync.Mutex
	seen    []sample // of each handler in goroutines, since it was decided last
	inlined sample   // of all of them in the worker's goroutine
}

// The verdicts on a route.
const (
	unknown uint32 = iota
	quick
	slow
)

// sample is some calls and the time they took together.
type sample struct {
	calls int
	took  time.Duration
}

func newPace(handlers int) *pace { return &pace{seen: make([]sample, handlers)} }

func (p *pace) quick() bool { return p.verdict.Load() == quick }

// timed tells whether the calls of one more outing are to be timed.
func (p *pace) timed() bool { return p.verdict.Load() != slow || p.outings.Add(1)%sampleEvery == 0 }

// learn hears how long a handler took in a goroutine. The route is quick when each of its handlers is, on average.
func (p *pace) learn(handler int, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.seen[handler]
	s.calls++
	s.took += took
	verdict := quick
	for _, s := range p.seen {
		if s.calls < learnCalls {
			return
		}
		if s.took >= time.Duration(s.calls)*quickCall {
			verdict = slow
		}
	}
	p.verdict.Store(verdict)
	clear(p.seen)
}

// inline hears how long calls took one after another. It judges many of them together: a pause of the garbage collector
// is no reason to take quick handlers for slow ones.
func (p *pace) inline(took time.Duration, calls int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inlined.calls += calls
	p.inlined.took += took
	if p.inlined.calls < 4*learnCalls && p.inlined.took < judgeAfter {
		return
	}
	if p.inlined.took >= time.Duration(p.inlined.calls)*quickCall {
		p.forget()
	}
	p.inlined = sample{}
}

// waits says that a call did not come back for a long time.
func (p *pace) waits() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget()
}

// forget takes for granted again that handlers wait.
func (p *pace) forget() {
	p.verdict.Store(unknown)
	clear(p.seen)
	p.inlined = sample{}
}
