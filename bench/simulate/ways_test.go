package simulate

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/reugn/go-streams"
	"github.com/reugn/go-streams/flow"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sources"
)

// run takes the input in on one of the ways, and returns when the pipeline has ended.
func (l *life) run() {
	switch l.way {
	case feeding:
		var from []streams.Outlet
		for i := range l.clients {
			from = append(from, sources.Seq2(l.arrivals(i)))
		}
		l.report, l.err = l.p.Run(l.ctx, from...)
	case streaming:
		var from []streams.Outlet
		for i := range l.clients {
			from = append(from, sources.Seq2(l.arrivals(i)).Via(flow.NewPassThrough()).Via(flow.NewPassThrough()))
		}
		l.report, l.err = l.p.Run(l.ctx, from...)
	case sending:
		l.serve(l.send)
	case doing:
		l.serve(l.do)
	case replaying:
		l.report, l.err = l.p.Run(l.ctx, sources.DeadLetters(l.w.store, sources.LetterFilter{}).Via(flow.NewMap(l.readmit, 1)))
	case chaining:
		sources.Seq2(l.arrivals(0)).Via(flow.NewPassThrough()).Via(l.p.Dispatch(l.ctx)).
			Via(flow.NewMap(l.detour, 4)).To(l.sink)
		l.report, l.err = l.p.Report(), l.sink.Err()
	}
}

// detour holds up a batch in a stage of somebody else's, which shuffles those of different aggregates.
func (l *life) detour(batch any) any {
	b := batch.(*engine.Batch)
	at := spot{passing, commandNumbers[b.Appends[0].CommandID], l.number}
	l.w.sleep(at, l.w.upTo(l.w.storage, at, l.w.try(at)))
	return b
}

// readmit makes an admission of a command that comes as a dead letter.
func (l *life) readmit(letter *engine.Command) *engine.Command {
	a := l.admission(commandNumbers[letter.ID])
	again := *letter
	again.Settled = a.settle
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.times[&again] = a.time
	return &again
}

// crowd is how many share the input between them. Each has aggregates of its own, so that their sequence is known.
func (l *life) crowd() int {
	if l.way == chaining {
		return 1
	}
	return l.clients
}

// share yields what one of them sends, some of it twice.
func (l *life) share(client int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, n := range l.input {
			if l.w.input[n].aggregate%l.crowd() != client {
				continue
			}
			l.rest(n)
			if !yield(n) {
				return
			}
			for again := 1; l.meets(repeats, spot{arriving, n, l.number}, again); again++ {
				l.w.happens(repeats)
				l.rest(n)
				if !yield(n) {
					return
				}
			}
		}
	}
}

// rest is the time between two arrivals.
func (l *life) rest(n int) {
	at := spot{arriving, n, l.number}
	if time := l.w.try(at); l.w.part(at, time) >= l.w.burst {
		l.w.sleep(at, l.w.upTo(l.w.gap, at, -time))
	}
}

// arrivals is the share of one source.
func (l *life) arrivals(client int) iter.Seq2[*engine.Command, error] {
	return func(yield func(*engine.Command, error) bool) {
		for n := range l.share(client) {
			if l.ctx.Err() != nil {
				return
			}
			for _, f := range [...]fault{sourceFails, sourcePanics} {
				at := spot{arriving, n, l.number}
				if !l.meets(f, at, 0) {
					continue
				}
				l.broken.Store(true)
				m := l.misfortune(f, at, 0)
				if f == sourcePanics {
					panic(m)
				}
				yield(nil, m)
				return
			}
			if !yield(l.admission(n).cmd, nil) {
				return
			}
		}
	}
}

// serve runs the pipeline without a source, until its clients are done.
func (l *life) serve(client func(int)) {
	var clients sync.WaitGroup
	for i := range l.clients {
		clients.Go(func() { client(i) })
	}
	go func() { // ends when the clients do
		clients.Wait()
		l.halt()
	}()
	l.report, l.err = l.p.Run(l.ctx)
	clients.Wait()
}

// send is a client that sends, and waits for its receipts afterwards.
func (l *life) send(client int) {
	var receipts []*pipeline.Receipt
	var sent []*admission
	for n := range l.share(client) {
		a := l.admission(n)
		r, err := l.p.Send(l.ctx, a.cmd)
		if err != nil {
			if !errors.Is(err, context.Canceled) && !errors.Is(err, engine.ErrClosed) {
				l.w.wrong("life %d, #%d: Send: %v", l.number, n, err)
			}
			break
		}
		l.admitted(a)
		receipts, sent = append(receipts, r), append(sent, a)
	}
	for i, r := range receipts {
		o, err := r.Wait(context.Background())
		if err != nil && !errors.Is(err, pipeline.ErrStopped) {
			l.w.wrong("life %d, #%d: Wait: %v", l.number, sent[i].number, err)
		}
		if err == nil {
			l.compare(sent[i], o)
		}
	}
}

// do is a client that waits for each command, and loses its patience now and then.
func (l *life) do(client int) {
	for n := range l.share(client) {
		a := l.admission(n)
		ctx, cancel := context.WithCancel(context.Background())
		at := spot{waiting, n, l.number}
		patient := !l.meets(cancels, at, a.time)
		if !patient {
			l.w.happens(cancels)
			go func() { // ends with its timer
				defer cancel()
				l.w.sleep(at, l.w.upTo(2*(l.w.handler+l.w.storage), at, -a.time))
			}()
		}
		o, err := l.p.Do(ctx, a.cmd)
		cancel()
		switch {
		case o.Status != 0:
			l.admitted(a)
			l.compare(a, o)
			if failure := o.Failure(); (failure == nil) != (err == nil) {
				l.w.wrong("life %d, #%d: Do gives %v with the outcome %s", l.number, n, err, told(o))
			}
		case errors.Is(err, context.Canceled) && !patient:
		case errors.Is(err, engine.ErrClosed):
			return
		case errors.Is(err, pipeline.ErrStopped) && errors.Is(err, engine.ErrUnknown):
			l.admitted(a)
			return
		default:
			l.w.wrong("life %d, #%d: Do: %v", l.number, n, err)
		}
	}
}

func (l *life) admitted(a *admission) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	a.admitted = true
}

// compare holds what a caller is told against what the source is told.
func (l *life) compare(a *admission, o engine.Outcome) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	// The receipt is told first, and the source with the next breath.
	if len(a.outcomes) > 0 && told(a.outcomes[0]) != told(o) {
		l.w.faulty = append(l.w.faulty, told(a.outcomes[0])+" is told to the source, and to the caller "+told(o))
	}
}

// patience is how long a pipeline may take to stop once its drain timeout is over.
const patience = 3 * time.Second
