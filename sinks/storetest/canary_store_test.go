package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// disk is what a canary keeps when it is closed.
type disk struct {
	log       []engine.Event
	streams   map[string][]engine.Event // what Load sees
	versions  map[string]engine.Version
	commands  map[engine.ID]kept
	snapshots map[string][]engine.Snapshot
	end       engine.Position
	letters   []dead            // in number sequence
	places    map[engine.ID]int // where a letter was when it was looked for last
	numbers   uint64            // that were given to letters
	kept      []string          // only a store that leaks puts something here
}

// kept is the first result of a command.
type kept struct {
	aggregate string
	digest    uint64
	result    engine.Result
	call      int
}

// canary is a store that keeps every rule in the simplest way, but for the one that its flaw names: where the rule is
// kept, the code asks has, and leaves it out.
type canary struct {
	flaw   string
	disk   *disk
	gate   chan struct{} // full while somebody holds the store; a channel, so that waiting for it can end
	wake   chan struct{} // closed, and made anew, when the log grows
	closed bool
	calls  int
	counts atomic.Int64 // of whatever a flaw counts
	slots  chan struct{}
}

var disks = map[string]*disk{} // by directory; canaries are tested one after another

// hatch opens the canary with a flaw in a directory.
func hatch(flaw, dir string) *canary {
	d, again := disks[dir]
	if !again {
		d = &disk{
			streams: map[string][]engine.Event{}, versions: map[string]engine.Version{}, commands: map[engine.ID]kept{},
			snapshots: map[string][]engine.Snapshot{}, places: map[engine.ID]int{},
		}
		disks[dir] = d
	}
	c := &canary{
		flaw: flaw, disk: d, gate: make(chan struct{}, 1), wake: make(chan struct{}), slots: make(chan struct{}, 8),
	}
	if again {
		c.forget()
	}
	return c
}

func (c *canary) has(flaw string) bool { return c.flaw == flaw }

// every tells whether this is one of every n times that it is asked, and the canary has the flaw.
func (c *canary) every(n int64, flaw string) bool { return c.has(flaw) && c.counts.Add(1)%n == 0 }

func (c *canary) lock(ctx context.Context) error {
	select {
	case c.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *canary) unlock() { <-c.gate }

// letIn opens the store to others for a moment: where a good one does not. It soon gets tired, so that no check takes
// long.
func (c *canary) letIn() {
	if c.counts.Add(1) > 500 {
		return
	}
	c.unlock()
	time.Sleep(50 * time.Microsecond)
	c.gate <- struct{}{}
}

func (c *canary) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	results := make([]engine.Result, len(batch))
	if err := ctx.Err(); err != nil && !c.has("Append ignores its context") {
		return failAll(results, err)
	}
	c.gate <- struct{}{}
	defer c.unlock()
	if c.closed && !c.has("a closed store appends") {
		return failAll(results, engine.ErrClosed)
	}
	c.calls++
	before, end := map[string]engine.Version{}, c.disk.end
	for i := range batch {
		before[batch[i].Aggregate] = c.disk.versions[batch[i].Aggregate]
	}
	for i := range batch {
		at := i
		if c.has("a call is applied backwards") {
			at = len(batch) - 1 - i
		}
		version := c.disk.versions[batch[at].Aggregate]
		if c.has("a call is checked before it is applied") {
			version = before[batch[at].Aggregate]
		}
		if c.has("a large call is cut") && i >= 1000 {
			results[at] = engine.Result{First: version + 1, Last: version + 1}
			continue
		}
		results[at] = c.one(&batch[at], version, c.broken(batch, results, at))
		c.endLetter(&batch[at], &results[at])
	}
	if c.disk.end > end && !c.has("Wait does not wake") || c.has("Wait wakes without an event") {
		close(c.wake)
		c.wake = make(chan struct{})
	}
	return c.spoil(results)
}

// spoil makes results wrong that are right.
func (c *canary) spoil(results []engine.Result) []engine.Result {
	failed := slices.IndexFunc(results, func(r engine.Result) bool { return r.Err != nil })
	switch {
	case c.has("an empty call has a result") && len(results) == 0:
		return make([]engine.Result, 1)
	case c.has("results come in another sequence"):
		slices.Reverse(results)
	case c.has("one failure fails the call") && failed >= 0:
		return failAll(results, results[failed].Err)
	case c.every(40, "a failed append is stored"):
		return failAll(results, errors.New("the disk is full"))
	case c.every(40, "a cancelled append is stored"):
		return failAll(results, context.DeadlineExceeded)
	}
	return results
}

func failAll(results []engine.Result, err error) []engine.Result {
	for i := range results {
		results[i] = engine.Result{Err: err}
	}
	return results
}

// one decides an append to an aggregate that is at a version. Broken says that its chain is.
func (c *canary) one(a *engine.Append, version engine.Version, broken bool) engine.Result {
	if err := c.check(a); err != nil {
		return engine.Result{Err: err}
	}
	early := !c.has("the version is looked at before the command id")
	if a.Expected == engine.Never && c.has("Never is answered unasked") ||
		broken && c.has("a chain is looked at before the command id") {
		early = false
	}
	if first, ok := c.known(a); ok && early && !(a.Letter != nil && c.has("a letter is kept of a stored command")) {
		return first
	}
	if a.Letter != nil && (!broken || c.has("a letter ignores its chain")) {
		return c.keepLetter(a)
	}
	switch {
	case c.has("two look for a command id at once"):
		c.letIn()
		version = c.disk.versions[a.Aggregate]
	case c.has("two look at the version at once"):
		c.letIn()
	}
	if err := c.conflict(a, version, broken); err != nil {
		if c.has("a conflict keeps the command id") || a.Expected == engine.Never && c.has("Never keeps the command id") ||
			broken && c.has("a broken chain keeps the command id") {
			c.disk.commands[a.CommandID] = kept{aggregate: a.Aggregate, result: engine.Result{First: version + 1, Last: version}}
		}
		if c.has("a conflict takes a version") || c.has("a conflict counts for the next") {
			c.disk.versions[a.Aggregate]++
		}
		if c.has("a conflict is remembered") {
			c.disk.kept = append(c.disk.kept, strings.Clone(a.Aggregate), a.CommandID.String())
		}
		return engine.Result{Err: err}
	}
	if first, ok := c.known(a); ok && !early {
		return first
	}
	return c.store(a, version)
}

// check is engine.CheckAppend without what the flaw leaves unchecked.
func (c *canary) check(a *engine.Append) error {
	err := engine.CheckAppend(a)
	if err == nil {
		return nil
	}
	if unchecked, ok := strings.CutPrefix(c.flaw, "unchecked: "); ok && strings.Contains(err.Error(), unchecked) {
		return nil
	}
	if c.has("a bad event leaves those before it") && len(a.Events) > 1 {
		part := *a
		part.Events = a.Events[:len(a.Events)-1]
		c.store(&part, c.disk.versions[a.Aggregate])
	}
	if c.has("a bad append is remembered") {
		c.disk.kept = append(c.disk.kept, fmt.Sprint(a.CommandID, a.Aggregate, err))
	}
	if c.has("limits are no LimitError") {
		return errors.New("out of bounds")
	}
	return err
}

// conflict is the error with which an append is refused at a version.
func (c *canary) conflict(a *engine.Append, version engine.Version, broken bool) error {
	holds := a.Expected.Holds(version) && !broken
	switch {
	case a.Expected == engine.Never && !broken && c.neverHolds(a, version):
		return nil
	case c.has("NoStream is not checked") && a.Expected == engine.NoStream,
		c.has("an exact version is not checked") && a.Expected != engine.NoStream,
		c.has("an exact version is a minimum") && uint64(a.Expected) <= uint64(version) && a.Expected != engine.NoStream,
		c.has("a rejection is unconditional") && a.Rejection != "",
		c.has("an append without events is unconditional") && len(a.Events) == 0 && a.Rejection == "",
		!holds && c.every(4, "lost update"):
		return nil
	case c.has("Any demands an empty stream") && a.Expected == engine.Any && version > 0:
		holds = false
	}
	switch {
	case holds:
		return nil
	case c.has("a conflict has no numbers"):
		return fmt.Errorf("%w of %q", engine.ErrConflict, a.Aggregate)
	case c.has("a conflict has wrong numbers"):
		version++
	}
	return &engine.ConflictError{Aggregate: a.Aggregate, Expected: a.Expected, Actual: version}
}

// known gives the first result of a command that is stored.
func (c *canary) known(a *engine.Append) (engine.Result, bool) {
	first, ok := c.disk.commands[a.CommandID]
	switch {
	case !ok, c.has("a command is stored twice"), c.has("a command id does not count within its call") && first.call == c.calls:
		return engine.Result{}, false
	case c.has("old command ids are forgotten") && c.disk.end > first.result.Position+200:
		return engine.Result{}, false
	case c.has("a command id is each aggregate's own") && first.aggregate != a.Aggregate:
		return engine.Result{}, false
	}
	differs := first.digest != a.Digest && first.digest != 0 && a.Digest != 0
	if c.has("a digest of zero is compared") {
		differs = first.digest != a.Digest
	}
	if c.has("a repeat replaces the digest") && !differs {
		first.digest = a.Digest
		c.disk.commands[a.CommandID] = first
	}
	if first.aggregate != a.Aggregate && first.aggregate != "" && !c.has("a command id answers any aggregate") ||
		differs && !c.has("a command id answers any digest") {
		if c.has("a reused id has no names") {
			return engine.Result{Err: engine.ErrReused}, true
		}
		return engine.Result{Err: &engine.ReusedError{CommandID: a.CommandID, First: first.aggregate, Again: a.Aggregate}}, true
	}
	result := first.result
	result.Duplicate = !c.has("a repeat is not marked")
	switch {
	case c.has("a repeat answers the version of now"):
		result.Last = c.disk.versions[a.Aggregate]
	case c.has("a repeat loses the position"):
		result.Position = 0
	case c.has("a repeat loses the reason"):
		result.Rejection = ""
	}
	return result, true
}
