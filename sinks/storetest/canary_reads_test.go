package storetest_test

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

func (c *canary) Load(ctx context.Context, aggregate string, from engine.Version) iter.Seq2[engine.Event, error] {
	once := false
	return func(yield func(engine.Event, error) bool) {
		if once && c.has("an iteration runs once") {
			return
		}
		once = true
		c.iterate(ctx, yield, func() []engine.Event {
			events := c.disk.streams[c.key(aggregate)]
			if c.has("stale read") && len(events) > 2 {
				events = events[:len(events)-1]
			}
			if c.every(2, "Load goes back") {
				events = events[:len(events)/2]
			}
			if c.has("Load is exclusive") && from > 0 {
				from++
			}
			if c.has("Load ignores the version") {
				from = 1
			}
			at := slices.IndexFunc(events, func(e engine.Event) bool { return e.Version >= from })
			if at < 0 {
				return nil
			}
			return events[at:]
		})
	}
}

func (c *canary) Read(ctx context.Context, after engine.Position) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		c.iterate(ctx, yield, func() []engine.Event {
			events := c.disk.log
			if c.has("stale log") && len(events) > 2 {
				events = events[:len(events)-1]
			}
			if c.has("Read is inclusive") && after > 0 {
				after--
			}
			at := slices.IndexFunc(events, func(e engine.Event) bool { return e.Position > after })
			if at < 0 {
				return nil
			}
			events = events[at:]
			if c.has("Read gives a page only") {
				events = events[:min(len(events), 256)]
			}
			return events
		})
	}
}

// iterate yields what find gives.
func (c *canary) iterate(ctx context.Context, yield func(engine.Event, error) bool, find func() []engine.Event) {
	if c.has("breaking off leaks") {
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			yield(engine.Event{}, ctx.Err())
			return
		}
	}
	if err := c.lock(ctx); err != nil {
		yield(engine.Event{}, err)
		return
	}
	closed, events := c.closed, find()
	if c.has("an iteration holds the store") {
		defer c.unlock()
	} else {
		c.unlock()
	}
	if closed && !c.has("a closed store is read") {
		yield(engine.Event{}, engine.ErrClosed)
		return
	}
	for _, event := range events {
		if err := ctx.Err(); err != nil && !c.has("an iteration ignores its context") {
			if c.has("an iteration ends in silence") || !yield(engine.Event{}, err) || !c.has("an iteration goes on behind its error") {
				return
			}
		}
		if !yield(event, nil) && !c.has("an iteration goes on when it is broken off") {
			return
		}
	}
	if c.has("breaking off leaks") {
		<-c.slots
	}
}

func (c *canary) End(ctx context.Context) (engine.Position, error) {
	if err := ctx.Err(); err != nil && !c.has("End ignores its context") {
		return 0, err
	}
	c.gate <- struct{}{}
	defer c.unlock()
	switch {
	case c.closed && !c.has("a closed store has an end"):
		return 0, engine.ErrClosed
	case c.has("an empty log has an end") && len(c.disk.log) == 0:
		return 1, nil
	case c.has("the end is late") && c.disk.end > 1:
		return c.disk.end - 1, nil
	}
	return c.disk.end, nil
}

func (c *canary) Wait(ctx context.Context, after engine.Position) error {
	for {
		if err := c.lock(ctx); err != nil {
			return err
		}
		closed, end, wake := c.closed, c.disk.end, c.wake
		c.unlock()
		switch {
		case closed && !c.has("a closed store is waited for"):
			return engine.ErrClosed
		case end > after:
			return nil
		}
		var tired <-chan time.Time // nil for ever but for one canary
		if c.has("Wait gives up") {
			tired = time.After(10 * time.Millisecond)
		}
		select {
		case <-wake:
			if c.has("Wait wakes without an event") {
				return nil
			}
		case <-ctx.Done():
			if c.has("Wait hides that its context ended") {
				return nil
			}
			return ctx.Err()
		case <-tired:
			return nil
		}
	}
}

func (c *canary) Capabilities() engine.Capabilities {
	if c.has("no name") {
		return engine.Capabilities{Durable: true}
	}
	return engine.Capabilities{Name: "canary", Durable: true}
}

func (c *canary) Close() error {
	c.gate <- struct{}{}
	defer c.unlock()
	if c.closed && c.has("closing twice fails") {
		return engine.ErrClosed
	}
	if !c.closed && !c.has("closing does not end Wait") {
		close(c.wake)
		c.wake = make(chan struct{})
	}
	c.closed = true
	return nil
}

func (c *canary) SaveSnapshot(ctx context.Context, s engine.Snapshot) error {
	if err := ctx.Err(); err != nil && !c.has("SaveSnapshot ignores its context") {
		return err
	}
	if err := engine.CheckSnapshot(&s); err != nil && !c.has("a snapshot is not checked") {
		return err
	}
	c.gate <- struct{}{}
	defer c.unlock()
	if c.closed && !c.has("a closed store keeps snapshots") {
		return engine.ErrClosed
	}
	if have := c.disk.versions[s.Aggregate]; s.Version > have && !c.has("a snapshot may be of the future") {
		return &engine.ConflictError{Aggregate: s.Aggregate, Expected: engine.Exactly(s.Version), Actual: have}
	}
	if c.has("a snapshot takes a position") {
		c.disk.end++
	}
	if c.has("snapshots are trimmed") && len(s.Data) > 0 {
		s.Data = slices.Clone(s.Data)[:len(s.Data)-1]
	}
	same := func(have engine.Snapshot) bool { return have.Version == s.Version }
	have := c.disk.snapshots[s.Aggregate]
	if !c.has("a snapshot is not replaced") {
		have = slices.DeleteFunc(have, same)
	} else if slices.ContainsFunc(have, same) {
		return nil
	}
	have = append(have, s)
	slices.SortFunc(have, func(a, b engine.Snapshot) int { return int(a.Version) - int(b.Version) })
	c.disk.snapshots[s.Aggregate] = have
	return nil
}

func (c *canary) LoadSnapshot(ctx context.Context, aggregate string, atMost engine.Version) (engine.Snapshot, bool, error) {
	if err := ctx.Err(); err != nil && !c.has("LoadSnapshot ignores its context") {
		return engine.Snapshot{}, false, err
	}
	c.gate <- struct{}{}
	defer c.unlock()
	if c.closed && !c.has("a closed store gives snapshots") {
		return engine.Snapshot{}, false, engine.ErrClosed
	}
	have := c.disk.snapshots[aggregate]
	if c.has("the oldest snapshot is given") && len(have) > 0 && have[0].Version <= atMost {
		return have[0], true, nil
	}
	for _, s := range slices.Backward(have) {
		if s.Version <= atMost || c.has("a snapshot above the version is given") {
			return s, true, nil
		}
	}
	if c.has("no snapshot is an error") {
		return engine.Snapshot{}, false, engine.ErrCorrupt
	}
	return engine.Snapshot{}, false, nil
}
