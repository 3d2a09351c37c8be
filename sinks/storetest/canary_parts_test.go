package storetest_test

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// store adds the events of an append to an aggregate that is at a version.
func (c *canary) store(a *engine.Append, version engine.Version) engine.Result {
	result := engine.Result{First: version + 1, Last: version, Rejection: a.Rejection}
	if c.has("versions start at 0") {
		result.First, result.Last = result.First-1, result.Last-1
	}
	if c.has("an append without events takes a version") && len(a.Events) == 0 {
		c.disk.versions[a.Aggregate]++
	}
	for i := range a.Events {
		result.Last++
		if c.has("versions have gaps") && result.Last%10 == 0 {
			result.Last++
		}
		result.Position = c.add(a, i, result.Last)
		if c.has("half an append is seen") {
			c.letIn()
		}
	}
	if c.has("a result has the position of its first event") && len(a.Events) > 0 {
		result.Position -= engine.Position(len(a.Events) - 1)
	}
	if !a.CommandID.IsZero() || c.has("a zero command id is kept") {
		c.remember(a, result)
	}
	return result
}

// remember keeps the first result of a command.
func (c *canary) remember(a *engine.Append, result engine.Result) {
	switch {
	case c.has("a rejection is not kept") && a.Rejection != "":
		return
	case c.has("the id of an append without events is not kept") && len(a.Events) == 0 && a.Rejection == "":
		return
	}
	c.disk.commands[a.CommandID] = kept{aggregate: a.Aggregate, digest: a.Digest, result: result, call: c.calls}
}

// add puts one event into the log and into its stream.
func (c *canary) add(a *engine.Append, i int, version engine.Version) engine.Position {
	event := a.Events[i]
	c.disk.end++
	event.Version, event.Position = version, c.disk.end
	if c.has("positions go back") && event.Position > 2 {
		event.Position ^= 1
	}
	c.disk.versions[a.Aggregate] = max(version, c.disk.versions[a.Aggregate])
	if c.has("partial append") && len(a.Events) > 1 && i == len(a.Events)-1 {
		return event.Position
	}
	if c.has("unsafe position") {
		c.letIn() // others with later positions are done meanwhile
	}
	c.spoilEvent(&event)
	c.disk.log = insert(c.disk.log, event, func(e engine.Event) uint64 { return uint64(e.Position) })
	if c.has("publish before persist") {
		close(c.wake)
		c.wake = make(chan struct{})
		c.letIn()
	}
	key := c.key(a.Aggregate)
	c.disk.streams[key] = insert(c.disk.streams[key], event, func(e engine.Event) uint64 { return uint64(e.Version) })
	return event.Position
}

// insert puts an event behind all that are not higher.
func insert(events []engine.Event, event engine.Event, rank func(engine.Event) uint64) []engine.Event {
	at := len(events)
	for at > 0 && rank(events[at-1]) > rank(event) {
		at--
	}
	if at == len(events) {
		return append(events, event)
	}
	return slices.Insert(slices.Clone(events), at, event) // readers may hold the old one
}

// key is the name under which a stream is kept.
func (c *canary) key(aggregate string) string {
	switch {
	case c.has("aggregate ids are folded"):
		return strings.ToLower(aggregate)
	case c.has("aggregate ids are trimmed"):
		return strings.TrimSpace(aggregate)
	case c.has("aggregate ids are cut"):
		return aggregate[:min(len(aggregate), 254)]
	}
	return aggregate
}

// spoilEvent changes what must come back as it was written.
func (c *canary) spoilEvent(event *engine.Event) {
	data, _ := event.Data.(engine.Raw)
	switch {
	case c.has("payloads are trimmed"):
		event.Data = engine.Raw(bytes.TrimSpace(data))
	case c.has("payloads are made UTF-8"):
		event.Data = engine.Raw(strings.ToValidUTF8(string(data), "?"))
	case c.has("payloads end at a NUL"):
		before, _, _ := bytes.Cut(data, []byte{0})
		event.Data = engine.Raw(before)
	case c.has("large payloads are cut"):
		event.Data = data[:min(len(data), 65535)]
	case c.has("metadata is lost"):
		event.Metadata = nil
	case c.has("time is kept in microseconds"):
		event.Time = event.Time.Truncate(time.Microsecond)
	case c.has("the correlation id is lost"):
		event.CorrelationID = engine.ID{}
	case c.has("the schema is lost"):
		event.Schema = ""
	case c.has("the traceparent is lost"):
		event.TraceParent = ""
	}
}

// forget is what goes wrong when a store is opened again.
func (c *canary) forget() {
	d := c.disk
	c.forgetLetters()
	switch last := len(d.log) - 1; {
	case c.has("reopening loses the last event") && last >= 0:
		subject := d.log[last].Subject
		d.log, d.versions[subject] = d.log[:last], d.versions[subject]-1
		d.streams[subject] = d.streams[subject][:d.versions[subject]]
	case c.has("reopening forgets versions"):
		clear(d.versions)
	case c.has("reopening forgets the end"):
		d.end = 0
	case c.has("reopening moves positions"):
		for i := range d.log {
			d.log[i].Position += 3
		}
		d.end += 3
	case c.has("reopening forgets command ids"):
		clear(d.commands)
	case c.has("reopening forgets snapshots"):
		clear(d.snapshots)
	}
	for id, first := range d.commands {
		switch {
		case c.has("reopening forgets digests"):
			first.digest = 0
		case c.has("reopening forgets whose id it is"):
			first.aggregate = "" // nobody's, so anybody's
		case c.has("reopening forgets reasons"):
			first.result.Rejection = ""
		}
		d.commands[id] = first
	}
}
