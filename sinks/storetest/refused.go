package storetest

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Refused appends very many times what must be refused, with ever new command ids, and proves that the store remembers
// nothing of it: no event, no id, no memory (G10). It does so twice: on a few aggregates, where nothing at all may be
// kept, and on ever new ones, where a store may have a cache of 16 MiB.
//
// It refuses 200,000 appends each time, or as many as ORCHESTRIX_REFUSED says.
func Refused(t *testing.T, open func(t *testing.T, dir string) engine.Store) {
	t.Helper()
	refused(t, func(_ reporter, dir string) engine.Store { return open(t, dir) }, number(envRefused, 200_000))
}

func refused(t reporter, open opener, appends int) {
	t.Helper()
	const slack, cache = 2 << 20, 16 << 20 // the collector and its measure are not exact to the byte
	store := open(t, t.TempDir())
	p := newProbe(t, store)
	p.ctx = t.Context() // as long as it takes
	p.stored(newAppend("a", engine.NoStream, 1))
	for _, allowed := range []struct{ aggregates, bytes int }{{1000, slack}, {appends + 1, slack + cache}} {
		p.refuse(appends/10, allowed.aggregates) // pools and buffers fill up
		before := heap()
		p.refuse(appends, allowed.aggregates)
		grown := heap() - before
		t.Logf("%d appends to %d aggregates were refused, the heap grew by %d KiB",
			appends, min(appends, allowed.aggregates), grown>>10)
		p.Less(grown, int64(allowed.bytes), "G10: the store keeps something of every append that it refuses")
	}
	p.Len(p.read(0), 1, "G2: a refused append left an event")
	runtime.KeepAlive(store)
}

// refuse appends n times what must be refused.
func (p *probe) refuse(n, aggregates int) {
	p.t.Helper()
	const each = 500
	for done := 0; done < n; done += each {
		batch := make([]engine.Append, each)
		for i := range batch {
			batch[i] = refusable(done+i, aggregates)
		}
		for i, result := range p.store.Append(p.ctx, batch) {
			if result.Err == nil || result.Position != 0 {
				p.Fail("an append that must be refused was stored", "%+v: %+v", batch[i], result)
			}
		}
	}
}

// refusable makes an append that is refused for one of several reasons.
func refusable(i, aggregates int) engine.Append {
	a := newAppend(fmt.Sprint("nobody", i%aggregates), engine.Exactly(7), 1)
	switch i % 4 {
	case 0:
		a.Aggregate, a.Events[0].Subject, a.Expected = "a", "a", engine.NoStream
	case 1:
		a.Events[0].Type, a.Expected = "", engine.Any
	case 2:
		a.Rejection, a.Events = "refused itself", nil
	}
	return a
}

// heap is how much memory is in use after everything that can be freed was freed.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
