package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"mime"
	"reflect"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

// A Codec turns the payload of a message into bytes and back. A [Registry] is one.
type Codec interface {
	// Encode gives the bytes of the message's payload. A payload that is Raw is given back as it is.
	Encode(m *Message) (Raw, error)
	// Decode gives the payload as the Go value that the message's type stands for. A payload that is not Raw is given back
	// as it is.
	Decode(m *Message) (any, error)
}

var _ Codec = (*Registry)(nil)

// Encode writes the payload as JSON.
func (r *Registry) Encode(m *Message) (Raw, error) {
	if raw, ok := m.Data.(Raw); ok {
		return raw, nil
	}
	raw, err := json.Marshal(m.Data)
	if err != nil {
		return nil, fmt.Errorf("engine: payload of %s %s cannot be encoded: %w", m.Type, m.ID, brief(err))
	}
	return raw, nil
}

// Decode reads the payload as JSON into the type registered under the message's type. Commands are read strictly: an
// unknown field is an error, because a misspelled field must not silently become a zero. Events are read leniently: a
// field that this program no longer knows is passed over.
func (r *Registry) Decode(m *Message) (any, error) {
	raw, ok := m.Data.(Raw)
	if !ok {
		return m.Data, nil
	}
	t, ok := r.types[m.Type]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNoType, clip(m.Type))
	}
	if !isJSON(m.ContentType) {
		return nil, fmt.Errorf("engine: content type %q of %s is not JSON", clip(m.ContentType), m.Type)
	}
	data, err := t.decode(raw)
	if err != nil {
		return nil, fmt.Errorf("engine: payload of %s cannot be read: %w", m.Type, brief(err))
	}
	return data, nil
}

// isJSON tells, as CloudEvents does, whether a content type is JSON: application/json, and also "text/json",
// "application/vnd.acme+json" or one with a charset. Empty means application/json.
func isJSON(contentType string) bool {
	if contentType == "" || contentType == "application/json" {
		return true // nearly always: no parsing
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json"))
}

// Digest stands for what a command with this wire name and decoded payload says: the same for the same fields, however
// the payload was written. It is never zero.
func (r *Registry) Digest(typ string, data any) (uint64, error) {
	buffer := digestBuffers.Get().(*bytes.Buffer)
	buffer.Reset()
	if err := json.MarshalWrite(buffer, data, json.Deterministic(true)); err != nil {
		return 0, fmt.Errorf("engine: payload of %s cannot be encoded: %w", typ, brief(err))
	}
	raw := buffer.Bytes()
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	sum := uint64(offset)
	for i := range len(typ) {
		sum = (sum ^ uint64(typ[i])) * prime
	}
	sum *= prime                         // a zero byte between the two
	for ; len(raw) >= 8; raw = raw[8:] { // eight bytes a time, and what they change in the upper half goes to the lower
		sum = (sum ^ binary.LittleEndian.Uint64(raw)) * prime
		sum ^= sum >> 32
	}
	for _, b := range raw {
		sum = (sum ^ uint64(b)) * prime
	}
	if buffer.Cap() <= 64<<10 { // one that has become larger is not kept
		digestBuffers.Put(buffer)
	}
	return max(sum, 1), nil
}

// digestBuffers holds *bytes.Buffer, for the JSON of a payload while its digest is computed.
var digestBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// decoder makes the function that reads a JSON payload of type T.
func decoder[T any](kind kind) func(Raw) (any, error) {
	strict := json.RejectUnknownMembers(kind == commandKind)
	return func(raw Raw) (any, error) {
		var v T
		if len(raw) == 0 {
			return v, nil
		}
		if err := json.Unmarshal(raw, &v, strict); err != nil {
			return nil, err
		}
		return v, nil
	}
}

// goType names the Go type of T, for errors.
func goType[T any]() reflect.Type { return reflect.TypeFor[T]() }
