package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/orchestrix-go/orchestrix/engine"
)

// aggregates of a random history: few, so that they meet, and with names that a store may mix up.
var aggregates = []string{"a", "A", "a ", "é", "e\u0301"}

func (h *history) id() engine.ID {
	h.made++
	var id engine.ID
	binary.BigEndian.PutUint64(id[8:], h.made)
	id[0] = 1 // command ids and event ids never meet zero
	return id
}

func pick[T any](h *history, label string, from []T) T {
	return rapid.SampledFrom(from).Draw(h.t, label)
}

// events makes n events, all different.
func (h *history) events(aggregate string, n int) []engine.Event {
	events := make([]engine.Event, n)
	for i := range events {
		id := h.id()
		m := engine.Message{
			ID: id, Type: "test.happened", Subject: aggregate, Data: engine.Raw(fmt.Sprintf(` {"n":%d} `, h.made)),
		}
		switch h.made % 3 {
		case 0:
			m.Source, m.Time, m.CausationID = "storetest", time.Unix(int64(h.made), int64(h.made)).UTC(), id
		case 1:
			m.Metadata = map[string]string{"n": fmt.Sprint(h.made)}
			m.Schema, m.ContentType, m.CorrelationID = "3", "text/plain", id
		}
		events[i].Message = m
	}
	return events
}

// fresh makes an append with a new command id, whose expectation is right about half of the time.
func (h *history) fresh() engine.Append {
	aggregate := pick(h, "aggregate", aggregates)
	a := engine.Append{
		Aggregate: aggregate, CommandID: h.id(), Expected: engine.Exactly(h.model.version(aggregate)),
		Digest: rapid.Uint64Range(0, 2).Draw(h.t, "digest"),
	}
	switch pick(h, "expected", []string{"right", "right", "any", "none", "wrong", "never"}) {
	case "any":
		a.Expected = engine.Any
	case "none":
		a.Expected = engine.NoStream
	case "never":
		a.Expected = engine.Never
	case "wrong":
		a.Expected = engine.Exactly(engine.Version(rapid.Uint64Range(0, 12).Draw(h.t, "version")))
	}
	switch pick(h, "content", []string{"events", "events", "events", "rejection", "no id"}) {
	case "rejection":
		a.Rejection = fmt.Sprintf("rejected: %d", h.made)
	case "no id":
		a.CommandID = engine.ID{}
		fallthrough
	default:
		a.Events = h.events(aggregate, rapid.IntRange(0, 4).Draw(h.t, "events"))
	}
	if rapid.Bool().Draw(h.t, "caused") {
		caused(&a)
	}
	return a
}

// repeated makes an append whose command id was used before: the same command, or one that differs.
func (h *history) repeated() engine.Append {
	if len(h.used) == 0 {
		return h.fresh()
	}
	a := pick(h, "repeated", h.used)
	a.Chained = false // it may come without the one that it was chained to
	switch pick(h, "repeated how", []string{"same", "same", "digest", "aggregate", "expected", "never", "content"}) {
	case "digest":
		a.Digest = rapid.Uint64Range(0, 3).Draw(h.t, "digest")
	case "aggregate":
		other := h.fresh()
		other.CommandID, other.Digest = a.CommandID, a.Digest
		return other
	case "expected":
		a.Expected = engine.Exactly(h.model.version(a.Aggregate))
	case "never":
		a.Expected = engine.Never
	case "content":
		a.Rejection, a.Events = "", h.events(a.Aggregate, 2)
	}
	return a
}

func (h *history) appendOne() { h.call([]engine.Append{h.fresh()}) }

func (h *history) repeat() { h.call([]engine.Append{h.repeated()}) }

func (h *history) appendMany() {
	var batch []engine.Append
	for range rapid.IntRange(0, 6).Draw(h.t, "appends") {
		switch pick(h, "kind", []string{"fresh", "fresh", "fresh", "repeated", "again", "bad", "chained", "chained"}) {
		case "fresh":
			batch = append(batch, h.fresh())
		case "repeated":
			batch = append(batch, h.repeated())
		case "again": // within the call
			if len(batch) > 0 {
				again := pick(h, "again", batch)
				again.Chained = false
				batch = append(batch, again)
			}
		case "chained":
			if len(batch) > 0 {
				batch = append(batch, h.chained(&batch[len(batch)-1]))
			}
		case "bad":
			batch = append(batch, h.bad())
		}
	}
	h.call(batch)
}

// chained makes an append that is chained to another: a new one or a repeated one, of events or a rejection. Its expectation
// often holds when the chain is broken.
func (h *history) chained(before *engine.Append) engine.Append {
	a := h.fresh()
	if pick(h, "chained what", []string{"fresh", "fresh", "repeated"}) == "repeated" {
		a = h.repeated()
	}
	a.Aggregate, a.Chained = before.Aggregate, true
	for i := range a.Events {
		if i == 0 {
			a.Events = append([]engine.Event(nil), a.Events...) // a repeated one shares them with the first
		}
		a.Events[i].Subject = a.Aggregate
	}
	switch pick(h, "chained at", []string{"any", "next", "now", "as it was"}) {
	case "any":
		a.Expected = engine.Any
	case "next":
		a.Expected = before.Expected + engine.Expected(len(before.Events))
	case "now":
		a.Expected = engine.Exactly(h.model.version(a.Aggregate))
	}
	return a
}

func (h *history) appendLarge() {
	a := h.fresh()
	a.Rejection, a.Expected = "", engine.Any
	a.Events = h.events(a.Aggregate, rapid.IntRange(5, 80).Draw(h.t, "events"))
	h.call([]engine.Append{a})
}

// bad makes an append that is out of bounds.
func (h *history) bad() engine.Append {
	a := h.fresh()
	a.Rejection, a.Expected, a.Events = "", engine.Any, h.events(a.Aggregate, 2)
	last := &a.Events[1]
	switch pick(h, "bad", []string{"type", "subject", "rejection", "metadata", "bytes", "schema", "aggregate"}) {
	case "type":
		last.Type = ""
	case "subject":
		last.Subject = "another"
	case "rejection":
		a.Rejection = "and events"
	case "metadata":
		last.Metadata = map[string]string{"": "a name that is empty"}
	case "bytes":
		last.Data = engine.Raw(strings.Repeat("x", engine.MaxAppendBytes))
	case "schema":
		last.Schema = "\x00"
	case "aggregate":
		a.Aggregate += "\n"
		a.Events = nil
	}
	return a
}

func (h *history) beRefused() { h.call([]engine.Append{h.bad()}) }

// beCancelled appends what would be stored, with a context that is done.
func (h *history) beCancelled() {
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	batch := []engine.Append{h.fresh(), h.fresh()}
	batch[0].Expected = engine.Any
	for _, s := range h.subjects {
		for _, result := range s.store.Append(ctx, batch) {
			h.ErrorIs(result.Err, context.Canceled, "an append whose context was done")
		}
	}
}

// sameResult says in what a result differs from the one that was wanted. Errors may have any text, but must carry the
// same fields.
func sameResult(want, got engine.Result) error {
	wantErr, gotErr := want.Err, got.Err
	want.Err, got.Err = nil, nil
	if want != got {
		return fmt.Errorf("want %+v (%v), got %+v (%v)", want, wantErr, got, gotErr)
	}
	return sameError(wantErr, gotErr)
}

// sameError says in what an error differs from the one that was wanted.
func sameError(want, got error) error {
	different := fmt.Errorf("want error %v, got %v", want, got)
	if want == nil || got == nil {
		if want == got {
			return nil
		}
		return different
	}
	var limit *engine.LimitError
	if errors.As(want, &limit) { // which bound is named first is the store's choice
		if errors.Is(got, engine.ErrLimit) {
			return nil
		}
		return different
	}
	found := reflect.New(reflect.TypeOf(want))
	if !errors.As(got, found.Interface()) || !reflect.DeepEqual(want, found.Elem().Interface()) {
		return different
	}
	return nil
}
