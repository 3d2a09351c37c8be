package pipeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// abandonment is a handler or decider that was given up: it did not return in its time, nor when its context was
// cancelled. Its goroutine runs on, and what it makes is dropped.
type abandonment struct {
	handler   string
	typ       string // of the command
	command   engine.ID
	aggregate string
	since     time.Time
}

func abandonmentOf(handler string, t *task) abandonment {
	return abandonment{handler: handler, typ: t.route.Type, command: t.cmd.ID, aggregate: t.cmd.Subject, since: time.Now()}
}

// abandoned are those whose goroutines still run: each is known by the call, or the guard, that was left to it.
type abandoned struct {
	most int // Options.Abandoned
	full func(why error)

	mu  sync.Mutex
	all map[any]abandonment
}

// add gives one up when it can be, and tells whether it could: a goroutine that comes back finds the lock taken until it is
// listed.
func (a *abandoned) add(key any, giveUp func() (abandonment, bool)) bool {
	a.mu.Lock()
	one, ok := giveUp()
	if ok {
		if a.all == nil {
			a.all = map[any]abandonment{}
		}
		a.all[key] = one
	}
	full := len(a.all) >= a.most
	a.mu.Unlock()
	if ok && full {
		a.full(fmt.Errorf("pipeline: nothing more is read: %w", a.err()))
	}
	return ok
}

// remove says that one has come back.
func (a *abandoned) remove(key any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.all, key)
}

// list gives those that still run, the ones that have run longest first.
func (a *abandoned) list() []abandonment {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.SortedFunc(maps.Values(a.all), func(x, y abandonment) int {
		return cmp.Or(x.since.Compare(y.since), cmp.Compare(x.handler, y.handler), slices.Compare(x.command[:], y.command[:]))
	})
}

// err names those that still run, or is nil when there are none.
func (a *abandoned) err() error {
	all := a.list()
	if len(all) == 0 {
		return nil
	}
	const most = 8
	count := map[string]int{}
	var names []string
	for _, one := range all {
		name := fmt.Sprintf("%q of %s", one.handler, one.typ)
		if count[name]++; count[name] == 1 {
			names = append(names, name)
		}
	}
	var b strings.Builder
	for i, name := range names {
		if i == most {
			fmt.Fprintf(&b, ", and %d others", len(names)-most)
			break
		}
		fmt.Fprintf(&b, "%s%s (%d)", map[bool]string{true: ", "}[i > 0], name, count[name])
	}
	return fmt.Errorf("%w: %d handlers were given up after their timeouts and still run: %s", engine.ErrTimeout, len(all), b.String())
}

// Abandoned is how many handlers and deciders were given up after their timeouts, because they ignore that their context is
// cancelled, and still run.
func (p *Pipeline) Abandoned() int { return len(p.abandoned.list()) }
