package storetest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

func expectedNoStream(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 1))
	p.refused(newAppend("a", engine.NoStream, 1), engine.ErrConflict, "G4: NoStream was met by a stream with events")
}

func expectedExact(p *probe) {
	p.refused(newAppend("a", engine.Exactly(1), 1), engine.ErrConflict, "G4: version 1 was met by an empty stream")
	p.stored(newAppend("a", engine.Exactly(0), 3))
	for _, wrong := range []engine.Version{0, 1, 2, 4, 1 << 40, 1 << 63} {
		p.refused(newAppend("a", engine.Exactly(wrong), 1), engine.ErrConflict, "G4: a wrong version was accepted")
	}
	p.stored(newAppend("a", engine.Exactly(3), 1))
	p.Len(p.load("a"), 4)
}

func expectedAny(p *probe) {
	for i := range 3 {
		result := p.stored(newAppend("a", engine.Any, 1))
		p.Equal(engine.Version(i+1), result.First, "G3: any version must append at the end")
	}
}

func conflictNamesVersions(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 3))
	result := p.refused(newAppend("a", engine.Exactly(1), 1), engine.ErrConflict, "G4")
	var conflict *engine.ConflictError
	p.True(errors.As(result.Err, &conflict), "a conflict must be a *ConflictError, it is %T", result.Err)
	p.Equal(engine.ConflictError{Aggregate: "a", Expected: 1, Actual: 3}, *conflict)
}

// oneWins lets several callers append at the same version, round after round.
func oneWins(p *probe) {
	const callers, rounds = 8, 25
	for round := range rounds {
		results := make([]engine.Result, callers)
		p.together(callers, func(i int) {
			batch := []engine.Append{newAppend("a", engine.Exactly(engine.Version(round)), 1)}
			results[i] = p.store.Append(p.ctx, batch)[0]
		})
		won := 0
		for _, result := range results {
			if result.Err == nil {
				won++
				p.Equal(engine.Version(round+1), result.First, "G4: the winner got a wrong version")
				continue
			}
			p.ErrorIs(result.Err, engine.ErrConflict, "G4: a loser must learn of a conflict")
		}
		p.Equal(1, won, "G4: of %d concurrent appends at version %d these many won", callers, round)
	}
	p.Len(p.load("a"), rounds, "G4: there are not as many events as winners")
}

func concurrentUse(p *probe) {
	const callers, calls = 8, 20
	p.together(callers, func(caller int) {
		for i := range calls {
			own, shared := newAppend(fmt.Sprint("own", caller), engine.Exactly(engine.Version(2*i)), 2), newAppend("shared", engine.Any, 1)
			for _, result := range p.store.Append(p.ctx, []engine.Append{own, shared}) {
				if result.Err != nil {
					p.t.Errorf("a concurrent append failed: %v", result.Err)
				}
			}
		}
	})
	for caller := range callers {
		p.Len(p.load(fmt.Sprint("own", caller)), 2*calls, "G3: a stream lacks events")
	}
	p.Len(p.load("shared"), callers*calls, "G3: a stream that all append to lacks events")
	p.Len(p.read(0), 3*callers*calls, "G7: the log lacks events")
}

// together runs f n times at once and waits for all. F must not call a method of the probe that can end the test.
func (p *probe) together(n int, f func(i int)) {
	var running sync.WaitGroup
	// Nothing is sent; closing it starts all at one moment.
	start := make(chan struct{})
	for i := range n {
		running.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	running.Wait()
}
