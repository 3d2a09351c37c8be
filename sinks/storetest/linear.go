package storetest

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Linearizable lets concurrent clients append and load at random, and proves that what they were answered is what some
// sequence of the same operations, one at a time, would have answered (G4): each took effect at one moment between its
// call and its return. An append that answered ErrUnknown may have had its effect then, later or never; any other error
// must have had none. A timeline of what is impossible is kept as a page of HTML, its path is logged.
//
// It judges 2 histories of 500 operations, or as ORCHESTRIX_HISTORIES and ORCHESTRIX_OPERATIONS say.
func Linearizable(t *testing.T, open func(t *testing.T, dir string) engine.Store, options Concurrency) {
	t.Helper()
	histories := number(envHistories, 2)
	options = options.filled(number(envOperations, 500))
	for i := range histories {
		one := options
		one.Seed += uint64(i)
		t.Run(fmt.Sprintf("history %d", i+1), func(t *testing.T) {
			linearizable(keeping{t}, func(_ reporter, dir string) engine.Store { return open(t, dir) }, one)
		})
	}
}

// linearizable judges one history.
func linearizable(t reporter, open opener, options Concurrency) {
	t.Helper()
	options = options.filled(500)
	p := newProbe(t, open(t, t.TempDir()))
	r := &recording{used: make([][]engine.Append, options.Aggregates)}
	r.shared = &shared{Concurrency: options, store: p.store, ctx: p.ctx}
	t.Logf("%s=%d: %d clients, %d operations, %d aggregates",
		envSeed, options.Seed, options.Clients, options.Operations, options.Aggregates)
	r.run(t, r.work)
	model := streamModel.ToModel()
	verdict, info := porcupine.CheckOperationsVerbose(model, r.operations, time.Minute)
	if verdict == porcupine.Ok {
		return
	}
	path := filepath.Join(t.ArtifactDir(), "history.html")
	if err := porcupine.VisualizePath(model, info, path); err != nil {
		t.Logf("the timeline cannot be written: %v", err)
	}
	t.Errorf("G4: the history is not linearizable: %s. Timeline: %s. A like history: %s", verdict, path,
		repeatWith(t, fmt.Sprintf("%s=%d", envSeed, options.Seed), ""))
}

// recording is a history while it happens.
type recording struct {
	*shared
	mu         sync.Mutex // guards what is below
	operations []porcupine.Operation
	used       [][]engine.Append // by aggregate: commands that may be repeated
}

// work is what one client does.
func (r *recording) work(c *client, operations int) {
	for operations > 0 && r.failed.Load() == nil {
		if c.random.IntN(10) < 4 {
			r.load(c)
			operations--
			continue
		}
		operations -= r.append(c, min(operations, 1+c.random.IntN(3)))
	}
}

// now is the time on the history's own clock, which never goes back.
func (r *recording) now() int64 { return int64(time.Since(r.start)) }

// note keeps one operation that has ended.
func (r *recording) note(c *client, begin int64, in asked, out answered) {
	end := r.now()
	if out.unknown() {
		end = math.MaxInt64 // its effect may still come
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.operations = append(r.operations, porcupine.Operation{
		ClientId: c.number, Input: in, Output: out, Call: begin, Return: end,
	})
}

// append calls the store with n appends, some of them repeats, some calls with a context that soon ends.
func (r *recording) append(c *client, n int) int {
	batch, on := make([]engine.Append, n), make([]int, n)
	for i := range batch {
		on[i] = c.random.IntN(r.Aggregates)
		batch[i] = r.choose(c, on[i])
	}
	ctx := r.ctx
	if c.random.IntN(10) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.random.IntN(300))*time.Microsecond)
		defer cancel()
	}
	in := make([]asked, n)
	for i, a := range batch { // before the call: a store may touch its batch
		in[i] = asked{aggregate: on[i], append: &a, ids: idsOf(a.Events)}
	}
	begin := r.now()
	results := r.store.Append(ctx, batch)
	if len(results) != n {
		r.fail("Append answered %d results for %d appends", len(results), n)
		return n
	}
	for i, result := range results {
		r.note(c, begin, in[i], answered{result: result})
		if result.Err == nil {
			r.ack(on[i], result.Last)
		}
	}
	return n
}

// choose makes a new append, or takes one that somebody has made before.
func (r *recording) choose(c *client, aggregate int) engine.Append {
	a := c.fresh(aggregate, 3)
	r.mu.Lock()
	defer r.mu.Unlock()
	used := r.used[aggregate]
	if len(used) == 0 || c.random.IntN(4) > 0 {
		r.used[aggregate] = append(used, a)
		return a
	}
	old := used[len(used)-1-c.random.IntN(min(len(used), 6))] // a recent one: it may still be on its way
	old.Events = append([]engine.Event(nil), old.Events...)   // a store may touch its batch
	if c.random.IntN(5) == 0 {
		old.Digest = uint64(c.random.IntN(4))
	}
	return old
}

func (r *recording) load(c *client) {
	aggregate := c.random.IntN(r.Aggregates)
	in := asked{aggregate: aggregate, from: 1}
	if c.random.IntN(3) == 0 {
		in.from += engine.Version(c.random.IntN(1 + int(r.acked[aggregate].Load())))
	}
	begin := r.now()
	var events []engine.Event
	for event, err := range r.store.Load(r.ctx, nameOf(aggregate), in.from) {
		if err != nil {
			r.fail("Load failed: %v", err)
			return
		}
		events = append(events, event)
	}
	r.note(c, begin, in, answered{ids: idsOf(events)})
}

func idsOf(events []engine.Event) []engine.ID {
	ids := make([]engine.ID, len(events))
	for i := range events {
		ids[i] = events[i].ID
	}
	return ids
}
