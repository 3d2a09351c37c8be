package sqlite

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/orchestrix-go/orchestrix/engine"
)

// request is one Append call on its way through the writer. Until it is done it belongs to the writer.
type request struct {
	ctx      context.Context
	appends  []engine.Append
	snapshot *engine.Snapshot // to be kept instead of appends; it has one result
	// change is done instead of appends; it has one result.
	change  func(w *writer) (engine.Result, error)
	results []engine.Result // one for each append; one whose Err is set already has been refused
	// done is closed by the writer, when every result stands and is durable. Nothing is sent on it, so it has no
	// capacity. The Append call that made it receives.
	done chan struct{}
}

// newRequest checks every append and encodes payloads that are not encoded yet, in the caller's goroutine: the writer
// has nothing left to do but bind and insert. The caller's batch is not changed.
func newRequest(ctx context.Context, batch []engine.Append, results []engine.Result, codec engine.Codec) *request {
	r := &request{ctx: ctx, appends: batch, results: results, done: make(chan struct{})} // see the field
	var passed *engine.Append
	for i := range batch {
		if results[i].Err = batch[i].CheckAfter(passed); results[i].Err != nil {
			continue
		}
		passed = &batch[i]
		if letter := batch[i].Letter; letter != nil {
			r.own(batch)
			results[i].Err = writeDown(&r.appends[i], codec)
			continue
		}
		if needsEncoding(batch[i].Events, codec) {
			r.own(batch)
			a := &r.appends[i]
			a.Events = slices.Clone(a.Events)
			if results[i].Err = encode(a.Events, codec); results[i].Err != nil {
				continue
			}
			if results[i].Err = engine.CheckAppend(a); results[i].Err != nil { // now that the size is known
				continue
			}
		}
		results[i].Err = checkMetadata(r.appends[i].Events)
	}
	return r
}

// own makes the appends the request's, so that they can be changed.
func (r *request) own(batch []engine.Append) {
	if &r.appends[0] == &batch[0] {
		r.appends = slices.Clone(batch)
	}
}

// writeDown puts what the table letters keeps in the place of an append's letter.
func writeDown(a *engine.Append, codec engine.Codec) error {
	row, err := newLetterRow(a.Letter, a.Aggregate, codec)
	if err == nil {
		a.Letter = &row.DeadLetter
	}
	return err
}

// needsEncoding tells whether a payload is anything else than what can be stored as it is.
func needsEncoding(events []engine.Event, codec engine.Codec) bool {
	for i := range events {
		if _, raw := events[i].Data.(engine.Raw); !raw && (codec != nil || events[i].Data != nil) {
			return true
		}
	}
	return false
}

// encode replaces payloads by Raw.
func encode(events []engine.Event, codec engine.Codec) error {
	for i := range events {
		e := &events[i]
		if _, raw := e.Data.(engine.Raw); raw {
			continue
		}
		if codec == nil {
			if e.Data == nil {
				continue
			}
			return fmt.Errorf("sqlite: %s needs Options.Codec: %w", e.Type, &engine.PayloadError{Want: "engine.Raw", Got: e.Data})
		}
		raw, err := codec.Encode(&e.Message)
		if err != nil {
			return err
		}
		e.Data = raw
	}
	return nil
}

// checkMetadata refuses what JSON cannot hold.
func checkMetadata(events []engine.Event) error {
	for i := range events {
		for key, value := range events[i].Metadata {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				return &engine.LimitError{What: "metadata", Why: fmt.Sprintf("%q is not valid UTF-8", key)}
			}
		}
	}
	return nil
}

// size is about the number of bytes that an append adds to a transaction.
func size(a *engine.Append) int {
	n := len(a.Rejection)
	if a.Letter != nil {
		n += (&letterRow{DeadLetter: *a.Letter}).size()
	}
	for i := range a.Events {
		n += dataSize(&a.Events[i].Message)
	}
	return n
}
