package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

func waitWakes(p *probe) {
	for round := range 20 {
		end, err := p.store.End(p.ctx)
		p.NoError(err)
		// The waiters send one answer each, this function receives them; their number is the capacity, so none blocks.
		answers := make(chan error, 3)
		for range cap(answers) {
			go func() { answers <- p.store.Wait(p.ctx, end) }()
		}
		if round%2 == 1 {
			time.Sleep(time.Millisecond) // they all wait now; in the other rounds some come late
		}
		result := p.stored(newAppend("a", engine.Any, 1))
		for range cap(answers) {
			p.NoError(<-answers, "G7: Wait did not wake for a new event")
		}
		p.NoError(p.store.Wait(p.ctx, end), "Wait must not block when there is an event already")
		p.Greater(result.Position, end)
	}
}

func waitEnds(p *probe) {
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Millisecond)
	defer cancel()
	p.ErrorIs(p.store.Wait(ctx, 0), context.DeadlineExceeded, "Wait must end with its context")
	rejection := newAppend("a", engine.NoStream, 0)
	rejection.Rejection = "no event, so nobody is woken"
	// One answer is sent and received; capacity 1, so that the waiter never blocks.
	answer := make(chan error, 1)
	go func() { answer <- p.store.Wait(p.ctx, 0) }()
	p.stored(rejection)
	select {
	case err := <-answer:
		p.Fail("Wait returned although there is no event", "%v", err)
	case <-time.After(20 * time.Millisecond):
	}
	p.NoError(p.store.Close())
	p.ErrorIs(<-answer, engine.ErrClosed, "Wait must end with its store")
}

func doneContext(p *probe) {
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	for _, result := range p.store.Append(ctx, []engine.Append{newAppend("a", engine.Any, 1), newAppend("b", engine.Any, 1)}) {
		p.ErrorIs(result.Err, context.Canceled, "an append whose context is done must answer with the context's error")
	}
	p.Empty(p.read(0), "an append whose context was done was stored")
	_, err := p.store.End(ctx)
	p.ErrorIs(err, context.Canceled, "End must look at its context")
}

func closedStore(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 1))
	p.NoError(p.store.Close())
	p.NoError(p.store.Close(), "closing twice must be harmless")
	for _, result := range p.store.Append(p.ctx, []engine.Append{newAppend("a", engine.Any, 1), newAppend("b", engine.Any, 1)}) {
		p.ErrorIs(result.Err, engine.ErrClosed, "Append on a closed store")
	}
	for name, read := range map[string]func(func(engine.Event, error) bool){
		"Load": p.store.Load(p.ctx, "a", 1), "Read": p.store.Read(p.ctx, 0),
	} {
		n := 0
		for _, err := range read {
			p.ErrorIs(err, engine.ErrClosed, "%s on a closed store", name)
			n++
		}
		p.Equal(1, n, "%s on a closed store must yield one error", name)
	}
	_, err := p.store.End(p.ctx)
	p.ErrorIs(err, engine.ErrClosed, "End on a closed store")
	p.ErrorIs(p.store.Wait(p.ctx, 0), engine.ErrClosed, "Wait on a closed store")
	p.True(errors.Is(p.store.Wait(p.ctx, 1<<40), engine.ErrClosed), "Wait on a closed store")
}
