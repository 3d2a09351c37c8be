package simulate

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
)

// life is one pipeline, from its start to its end.
type life struct {
	w *world
	lot
	number  int
	calm    bool // nothing goes wrong
	mended  bool // what was poisoned is not any more
	input   []int
	session *session
	sink    *sinks.Store
	p       *pipeline.Pipeline
	ctx     context.Context
	stop    context.CancelFunc
	over    chan struct{} // live closes it when the pipeline has ended; nobody sends
	stopped atomic.Int64  // when its context was cancelled, by the world's age; 0 when it was not
	broken  atomic.Bool   // a source failed, or panicked, so that not everything was read

	// Guarded by the world's lock.
	admissions []*admission // in the sequence in which they were sent
	keptBefore uint64       // the last number of a dead letter, before this life
	gone       bool         // crashed: nobody hears of its outcomes
	exited     map[int]bool // commands whose code ended its goroutine
	sent       map[int]int  // how often each command was
	times      map[*engine.Command]int
	followed   []engine.Event // what the sink behind the store got
	deaf       bool           // that sink failed

	report pipeline.Report
	err    error
	took   time.Duration // from the cancel to the end
}

// admission is one time that a command is sent.
type admission struct {
	l        *life
	number   int
	time     int    // how manieth time that the command is sent
	admitted bool   // it is known to be
	waits    bool   // it was told so: its aggregate is parked
	kept     uint64 // number of its dead letter, when it was told
	cmd      *engine.Command
	outcomes []engine.Outcome // guarded by the world's lock
}

// newLife makes the next pipeline of the world.
func (w *world) newLife(input []int, l lot) *life {
	next := &life{
		w: w, lot: l, number: len(w.lives) + 1, input: input, over: make(chan struct{}),
		exited: map[int]bool{}, sent: map[int]int{}, times: map[*engine.Command]int{},
	}
	next.session = &session{Store: w.store, l: next}
	next.ctx, next.stop = context.WithCancel(context.Background())
	for letter := range w.store.DeadLetters(next.ctx, 0) {
		next.keptBefore = letter.Number
	}
	w.lives = append(w.lives, next)
	w.happened.lives++
	return next
}

// meets tells whether a fault comes at the n-th chance for it at a spot.
func (l *life) meets(f fault, at spot, n int) bool { return !l.calm && l.w.of(f, at, n) }

// misfortune counts a fault and makes the error that it shows itself with.
func (l *life) misfortune(f fault, at spot, n int) *misfortune {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.w.happened.faults[f]++
	l.w.blows[at]++
	return &misfortune{fault: f, life: l.number, spot: at, call: n}
}

// live runs the pipeline to its end; or until it crashes, and then it goes on in the background for as long as it likes.
func (l *life) live() {
	if l.sink = sinks.NewStore(l.session); l.w.keeps {
		l.sink = sinks.NewStore(shelf{l.session})
	}
	if l.follow {
		l.sink.Then(sinks.Func(l.hear))
	}
	options := l.w.options
	options.DrainTimeout = l.drain
	if l.calm {
		options.HandlerTimeout, options.CommandTimeout, options.Abandoned = -1, 0, 0
	}
	options.DeadLetters = sinks.Func(func(letter *engine.DeadLetter) error { return nil })
	var err error
	if l.p, err = pipeline.New(engine.NewRegistry(l), l.sink, options); err != nil {
		l.w.wrong("life %d: %v", l.number, err)
		close(l.over)
		return
	}
	crashed := make(chan struct{}) // the goroutine below closes it; nobody sends
	go func() {                    // ends with the life
		l.fate(crashed)
	}()
	go func() { // ends when the pipeline does
		defer close(l.over)
		l.run()
		if at := l.stopped.Load(); at > 0 {
			l.took = l.w.now() - time.Duration(at)
		}
		l.stop()
	}()
	l.w.within(crashed, l.over)
}

// fate ends the life at its time, if it has not ended by then.
func (l *life) fate(crashed chan<- struct{}) {
	if l.ends == none {
		return
	}
	timer := time.NewTimer(spot{ending, 0, l.number}.instant(l.w.now(), l.at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.over:
		return
	}
	l.w.happens(l.ends)
	switch l.ends {
	case shuts:
		l.session.closed.Store(true)
		return
	case crashes:
		l.session.closed.Store(true)
		l.w.mu.Lock()
		l.gone = true
		l.w.mu.Unlock()
		defer close(crashed)
	}
	l.halt()
}

// halt cancels the pipeline.
func (l *life) halt() {
	l.stopped.CompareAndSwap(0, int64(l.w.now()))
	l.stop()
}

// hear is the sink behind the store.
func (l *life) hear(e *engine.Event) error {
	w, at, n := l.w, spot{hearing, int(e.Position), l.number}, 1
	w.sleep(at, w.upTo(w.storage/2, at, n))
	w.mu.Lock()
	defer w.mu.Unlock()
	l.followed = append(l.followed, *e)
	if l.meets(followerFails, at, n) {
		w.happened.faults[followerFails]++
		l.deaf = true
		return &misfortune{fault: followerFails, life: l.number, spot: at, call: n}
	}
	return nil
}

// admission makes a command ready to be sent.
func (l *life) admission(number int) *admission {
	w := l.w
	s := &w.input[number]
	a := &admission{l: l, number: number}
	a.cmd = &engine.Command{
		Message: engine.Message{ID: s.id, Subject: aggregateID(s.aggregate), Data: s.payload(), CorrelationID: s.id},
		Settled: a.settle,
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l.admissions = append(l.admissions, a)
	l.sent[number]++
	w.sent[number]++
	a.time = w.sent[number]
	l.times[a.cmd] = a.time
	w.happened.admissions++
	return a
}

// timeOf tells how manieth time it is that a command is sent.
func (l *life) timeOf(cmd *engine.Command) int {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.times[cmd]
}

// settle is told the outcome, as a source is. One that says for good what became of the command acknowledges it.
func (a *admission) settle(o engine.Outcome) {
	l, w := a.l, a.l.w
	s := &w.input[a.number]
	w.mu.Lock()
	defer w.mu.Unlock()
	a.outcomes = append(a.outcomes, o)
	w.note(s.aggregate, func() string { return fmt.Sprintf("life %d tells #%d: %s", l.number, a.number, told(o)) })
	if l.gone {
		return
	}
	w.happened.outcomes[o.Status.String()]++
	if o.Repeated {
		w.happened.outcomes["repeated"]++
	}
	effect := w.effects[a.number]
	if o.Status == engine.DeadLettered && effect != nil && effect.life == l.number && l.lies(a, o) {
		w.faulty = append(w.faulty, fmt.Sprintf("#%d is told %s, and it is stored in the same life", a.number, told(o)))
	}
	if o.Status == engine.DeadLettered && w.keeps && !a.shelve(o) {
		return
	}
	if o.Status == engine.Unknown || o.Status == engine.DeadLettered && errors.Is(o.Err, pipeline.ErrStopped) || w.settled[a.number] {
		return
	}
	w.settled[a.number] = true
	if o.Status == engine.DeadLettered && !w.keeps {
		w.letters = append(w.letters, letter{w.now(), a.number})
	}
}

// lies tells whether a dead letter must not be told of a command that this life has stored. One that was sent twice may
// have been stored the first time, and the store may not say so the second time: because it fails, or is not asked.
func (l *life) lies(a *admission, o engine.Outcome) bool {
	if l.sent[a.number] == 1 {
		return true
	}
	m := blamed(o.Err)
	if errors.Is(o.Err, pipeline.ErrStopped) || isUnkept(o.Err) {
		return false
	}
	return m != nil && m.fault <= poison && l.w.odds[refusal] == 0 && l.stopped.Load() == 0 && !l.session.closed.Load()
}

// shelve looks for the dead letter of a command that was told to be one, and tells whether it is there. One that is not may
// be sent again. The caller holds the lock.
func (a *admission) shelve(o engine.Outcome) bool {
	l, w := a.l, a.l.w
	letter, found, _ := w.store.DeadLetter(context.Background(), a.cmd.ID)
	parked := errors.Is(o.Err, pipeline.ErrParked)
	switch {
	case found:
		a.waits, a.kept = parked, letter.Number
	case w.effects[a.number] != nil || l.session.closed.Load() || errors.Is(o.Err, pipeline.ErrStopped):
	case isUnkept(o.Err), errors.Is(o.Err, engine.ErrClosed): // the pipeline had ended
	default:
		w.faulty = append(w.faulty, fmt.Sprintf("life %d: #%d is told %s, and there is no letter", l.number, a.number, told(o)))
	}
	return found
}
