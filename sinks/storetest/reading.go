package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

func loadFromVersion(p *probe) {
	const n = 1000
	for range n / 50 {
		p.stored(newAppend("a", engine.Any, 50))
		p.stored(newAppend("b", engine.Any, 1))
	}
	whole := p.load("a")
	p.Len(whole, n)
	for _, from := range []engine.Version{0, 1, 2, 255, 256, 257, 512, n - 1, n, n + 1, n + 100} {
		var got []engine.Event
		for event, err := range p.store.Load(p.ctx, "a", from) {
			p.NoError(err, "Load from version %d", from)
			got = append(got, event)
		}
		want := whole[min(max(from, 1)-1, n):]
		p.Len(got, len(want), "G3: load from version %d is not inclusive, or lacks events", from)
		for i := range want {
			p.Equal(want[i].ID, got[i].ID, "G3: load from version %d gives other events than load from 1", from)
		}
	}
}

func readAfterPosition(p *probe) {
	for i := range 300 {
		p.stored(newAppend(fmt.Sprint("a", i%7), engine.Any, i%3+1))
	}
	whole := p.read(0)
	p.Len(whole, 600)
	for _, i := range []int{0, 1, 254, 255, 256, 598, 599} {
		got := p.read(whole[i].Position)
		p.Len(got, len(whole)-i-1, "G7: a reader that resumes after event %d misses or repeats events", i)
		if len(got) > 0 {
			p.Equal(whole[i+1].ID, got[0].ID, "G7: a reader that resumes after event %d starts elsewhere", i)
		}
	}
	p.Empty(p.read(whole[599].Position+1000), "reading after the end gives nothing")
}

func iterationBreaks(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 500))
	for range 50 { // more often than any pool has connections
		for event, err := range p.store.Load(p.ctx, "a", 1) {
			p.NoError(err)
			if event.Version == 3 {
				break
			}
		}
		for event, err := range p.store.Read(p.ctx, 0) {
			p.NoError(err)
			if event.Version == 300 {
				break
			}
		}
	}
	again := p.store.Load(p.ctx, "a", 1)
	for range 2 {
		n := 0
		for _, err := range again {
			p.NoError(err)
			n++
		}
		p.Equal(500, n, "an iteration must be able to run twice")
	}
}

// iterationNests uses the store from within an iteration, from several goroutines: a store that holds a lock or a
// connection while it yields stands still here.
func iterationNests(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 20))
	p.together(8, func(i int) {
		for event, err := range p.store.Read(p.ctx, 0) {
			if err != nil || event.Subject != "a" {
				break
			}
			for _, err := range p.store.Load(p.ctx, "a", event.Version) {
				if err != nil {
					p.t.Errorf("Load within Read failed: %v", err)
					return
				}
			}
			results := p.store.Append(p.ctx, []engine.Append{newAppend(fmt.Sprint("b", i), engine.Any, 1)})
			if results[0].Err != nil {
				p.t.Errorf("Append within Read failed: %v", results[0].Err)
				return
			}
		}
	})
	p.Len(p.load("b0"), 20)
}

func iterationEndsWithContext(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 1000))
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	n, failed := 0, false
	for _, err := range p.store.Load(ctx, "a", 1) {
		p.False(failed, "an error must be the last element of an iteration")
		if err != nil {
			p.ErrorIs(err, context.Canceled, "an iteration must end with the error of its context")
			failed = true
			continue
		}
		if n++; n == 10 {
			cancel()
		}
	}
	p.True(failed, "an iteration went on after its context was done, or ended without an error")
	for _, err := range p.store.Read(ctx, 0) {
		p.ErrorIs(err, context.Canceled, "Read with a context that is done")
	}
}

// writers appends to some aggregates at once, pairs of events and single ones, and closes done when all is stored.
func (p *probe) writers(callers, calls int) (wait func()) {
	var running sync.WaitGroup
	for caller := range callers {
		running.Go(func() {
			for i := range calls {
				batch := []engine.Append{
					newAppend(fmt.Sprint("pair", caller), engine.Any, 2), newAppend("shared", engine.Any, 1+i%3),
				}
				for _, result := range p.store.Append(p.ctx, batch) {
					if result.Err != nil {
						p.t.Errorf("an append beside a reader failed: %v", result.Err)
						return
					}
				}
			}
		})
	}
	return running.Wait
}

func readerNeverSkips(p *probe) {
	const callers, calls = 4, 60
	wait := p.writers(callers, calls)
	defer wait()
	const total = callers * (calls*2 + calls*2) // pairs, and 1 to 3 events, 2 in the middle
	var seen []engine.Event
	var after engine.Position
	for len(seen) < total {
		p.NoError(p.store.Wait(p.ctx, after), "Wait: %d of %d events were seen", len(seen), total)
		for event, err := range p.store.Read(p.ctx, after) {
			p.NoError(err)
			p.Greater(event.Position, after, "G7: an event came twice or out of sequence")
			after = event.Position
			seen = append(seen, event)
		}
	}
	wait()
	whole := p.read(0)
	p.Len(whole, total)
	for i := range whole {
		p.Equal(whole[i].ID, seen[i].ID, "G7: a reader beside writers skipped an event at position %d", whole[i].Position)
	}
}

func loadIsPrefix(p *probe) {
	const callers, calls = 4, 60
	wait := p.writers(callers, calls)
	defer wait()
	last := 0
	for last < callers*calls*2 {
		p.NoError(p.ctx.Err(), "%d events were loaded", last)
		n := len(p.load("shared")) // checks that there is no gap
		p.GreaterOrEqual(n, last, "G3: a later load gave less than an earlier one")
		last = n
	}
	wait()
	for range 10 {
		p.Len(p.load("shared"), callers*calls*2, "G3: a later load gave less than an earlier one")
	}
}

func noHalfAppend(p *probe) {
	const calls = 100
	wait := p.writers(1, calls)
	defer wait()
	for n := 0; n < 2*calls; {
		p.NoError(p.ctx.Err(), "%d events were loaded", n)
		n = len(p.load("pair0"))
		p.Zero(n%2, "G2: a load saw half an append")
	}
}

func followGoesOn(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 300))
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	var writing sync.WaitGroup
	defer writing.Wait()
	var started atomic.Bool
	n := 0
	for event, err := range engine.Follow(ctx, p.store, 0) {
		p.NoError(err, "Follow ends without an error when its context does")
		n++
		p.Equal(engine.Version(n), event.Version, "G7: Follow skipped or repeated an event")
		if n == 300 && started.CompareAndSwap(false, true) {
			writing.Go(func() {
				for i := range 50 {
					if i%4 == 3 {
						time.Sleep(time.Millisecond) // the follower waits now, and has to be woken
					}
					p.store.Append(p.ctx, []engine.Append{newAppend("a", engine.Any, 1)})
				}
			})
		}
		if n == 350 {
			cancel()
		}
	}
	p.Equal(350, n, "G7: Follow did not see everything")
}
