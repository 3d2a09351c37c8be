package engine

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// envelope is a Message in the CloudEvents 1.0 JSON format. Attributes it does not know become metadata.
type envelope struct {
	SpecVersion   string         `json:"specversion"`
	ID            string         `json:"id"`
	Type          string         `json:"type"`
	Source        string         `json:"source"`
	Subject       string         `json:"subject,omitzero"`
	Time          string         `json:"time,omitzero"`
	ContentType   string         `json:"datacontenttype,omitzero"`
	Schema        string         `json:"dataschema,omitzero"`
	CorrelationID string         `json:"correlationid,omitzero"`
	CausationID   string         `json:"causationid,omitzero"`
	TraceParent   string         `json:"traceparent,omitzero"`
	Extra         jsontext.Value `json:",embed"`
	Data          jsontext.Value `json:"data,omitzero"`
	DataBase64    []byte         `json:"data_base64,omitzero"`
}

// eventEnvelope adds the attributes that a store gives an event.
type eventEnvelope struct {
	envelope
	Version  uint64 `json:"version"`
	Position string `json:"position"`
}

// CloudEvent writes the event as one CloudEvents 1.0 JSON object without a line end. The payload is encoded by the
// codec; a Raw payload needs none, and codec may be nil.
func (e *Event) CloudEvent(codec Codec) ([]byte, error) {
	envelope, err := newEnvelope(&e.Message, codec)
	if err != nil {
		return nil, err
	}
	return marshalLine(eventEnvelope{envelope, uint64(e.Version), strconv.FormatUint(uint64(e.Position), 10)})
}

// CloudEvent writes the command as one CloudEvents 1.0 JSON object, as [Event.CloudEvent] does. The type of a command made
// by [NewCommand] is found by a codec that is a [Registry].
func (c *Command) CloudEvent(codec Codec) ([]byte, error) {
	m := c.Message
	if registry, ok := codec.(*Registry); ok && m.Type == "" {
		if route, err := registry.Route(c); err == nil {
			m.Type = route.Type
		}
	}
	envelope, err := newEnvelope(&m, codec)
	if err != nil {
		return nil, err
	}
	return marshalLine(envelope)
}

// marshalLine gives no bytes with an error: half an object must not be taken for a line.
func marshalLine(v any) ([]byte, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("engine: not a CloudEvents JSON object: %w", err)
	}
	return line, nil
}

func newEnvelope(m *Message, codec Codec) (e envelope, err error) {
	raw, ok := m.Data.(Raw)
	if !ok {
		if codec == nil {
			return e, &PayloadError{Want: "engine.Raw", Got: m.Data}
		}
		if raw, err = codec.Encode(m); err != nil {
			return e, err
		}
	}
	e.SpecVersion, e.ID, e.Type, e.Source, e.Subject = "1.0", m.ID.String(), m.Type, m.Source, m.Subject
	e.ContentType, e.Schema, e.TraceParent = m.ContentType, m.Schema, m.TraceParent
	if e.ContentType == "" {
		e.ContentType = "application/json"
	}
	if !m.Time.IsZero() {
		e.Time = m.Time.UTC().Format(time.RFC3339Nano)
	}
	if !m.CorrelationID.IsZero() {
		e.CorrelationID = m.CorrelationID.String()
	}
	if !m.CausationID.IsZero() {
		e.CausationID = m.CausationID.String()
	}
	if len(m.Metadata) > 0 {
		extra, err := json.Marshal(m.Metadata, json.Deterministic(true))
		if err != nil {
			return e, fmt.Errorf("engine: metadata of %s: %w", m.ID, err)
		}
		e.Extra = extra
	}
	if isJSON(e.ContentType) && jsontext.Value(raw).IsValid() {
		e.Data = jsontext.Value(raw)
	} else {
		e.DataBase64 = raw
	}
	return e, nil
}

// UnmarshalCloudCommand reads a command from one CloudEvents 1.0 JSON object; its payload stays Raw. The object must have
// specversion 1.0, an id, a type, a source and a subject, which names the aggregate. An id that is no UUID is taken to
// its NameID and kept as the metadata "originalid". Duplicate names and invalid UTF-8 are errors.
func UnmarshalCloudCommand(line []byte) (*Command, error) {
	var e envelope
	if err := json.Unmarshal(line, &e); err != nil {
		return nil, fmt.Errorf("not a CloudEvents JSON object: %w", brief(err))
	}
	cmd := &Command{Message: Message{
		Type: e.Type, Source: e.Source, Subject: e.Subject, ContentType: e.ContentType, Schema: e.Schema,
		TraceParent: e.TraceParent,
	}}
	if err := e.check(); err != nil {
		return nil, err
	}
	if err := e.times(&cmd.Message); err != nil {
		return nil, err
	}
	if err := e.metadata(&cmd.Message); err != nil {
		return nil, err
	}
	if err := e.ids(&cmd.Message); err != nil {
		return nil, err
	}
	switch {
	case e.DataBase64 != nil && e.Data != nil:
		return nil, errors.New("has both data and data_base64: give one")
	case e.DataBase64 != nil:
		cmd.Data = Raw(e.DataBase64)
	default:
		cmd.Data = Raw(e.Data)
	}
	if n := len(cmd.Data.(Raw)); n > MaxAppendBytes {
		return nil, &LimitError{What: "data", Why: fmt.Sprintf("has %d bytes, %d are allowed", n, MaxAppendBytes)}
	}
	return cmd, nil
}

// check reports every required attribute that is missing or out of bounds.
func (e *envelope) check() error {
	var errs []error
	if e.SpecVersion != "1.0" {
		errs = append(errs, fmt.Errorf("specversion is %q: this program reads \"1.0\"", clip(e.SpecVersion)))
	}
	for _, f := range []struct{ what, value string }{
		{"id", e.ID}, {"type", e.Type}, {"source", e.Source}, {"subject (the aggregate id)", e.Subject},
	} {
		if err := CheckName(f.what, f.value); err != nil {
			errs = append(errs, err)
		}
	}
	for _, f := range []struct{ what, value string }{
		{"datacontenttype", e.ContentType}, {"dataschema", e.Schema}, {"traceparent", e.TraceParent},
	} {
		if f.value == "" {
			continue
		}
		if err := CheckName(f.what, f.value); err != nil {
			errs = append(errs, err)
		}
	}
	return joinErrors(errs)
}

func (e *envelope) times(m *Message) error {
	if e.Time == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, e.Time)
	if err != nil {
		return fmt.Errorf("time %q is not RFC 3339, as in 2026-01-31T12:00:00Z", clip(e.Time))
	}
	m.Time = t.UTC()
	if y := m.Time.Year(); y < 0 || y > 9999 { // an offset can push it out; it could not be written again
		return fmt.Errorf("time %q is not in the years 0 to 9999 UTC", clip(e.Time))
	}
	return nil
}

func (e *envelope) ids(m *Message) error {
	var err error
	if m.ID, err = ParseID(e.ID); err != nil {
		m.ID = NameID(e.Source, e.ID)
		if m.Metadata == nil {
			m.Metadata = map[string]string{}
		}
		m.Metadata["originalid"] = e.ID
	}
	if m.ID.IsZero() {
		return errors.New("id is the zero UUID, which means none: give every command its own")
	}
	if e.CorrelationID != "" {
		if m.CorrelationID, err = ParseID(e.CorrelationID); err != nil {
			return fmt.Errorf("correlationid: %w", err)
		}
	}
	if m.CorrelationID.IsZero() {
		m.CorrelationID = m.ID // the first command of a conversation
	}
	if e.CausationID != "" {
		if m.CausationID, err = ParseID(e.CausationID); err != nil {
			return fmt.Errorf("causationid: %w", err)
		}
	}
	return nil
}

var attributeName = regexp.MustCompile(`^[a-z0-9]+$`)

// metadata keeps the attributes that the envelope does not know, as CloudEvents allows: names of lower case letters and
// digits, values that are strings, integers or booleans.
func (e *envelope) metadata(m *Message) error {
	if len(e.Extra) == 0 {
		return nil
	}
	var extra map[string]jsontext.Value
	if err := json.Unmarshal(e.Extra, &extra); err != nil {
		return err
	}
	if len(extra) > MaxMetadata {
		return &LimitError{What: "metadata", Why: tooMany(len(extra), MaxMetadata, "attributes")}
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) { // sorted: the same input always gives the same error
		value := extra[name]
		if len(name) > 64 || !attributeName.MatchString(name) {
			return fmt.Errorf("attribute %q: CloudEvents names have lower case letters and digits only", clip(name))
		}
		if m.Metadata == nil {
			m.Metadata = make(map[string]string, len(extra))
		}
		text := string(value)
		switch value.Kind() {
		case '"':
			if err := json.Unmarshal(value, &text); err != nil {
				return err
			}
		case 't', 'f':
		case '0':
			if strings.ContainsAny(text, ".eE") {
				return fmt.Errorf("attribute %q is %s: CloudEvents numbers are integers", name, clip(text))
			}
		default:
			return fmt.Errorf("attribute %q: CloudEvents attributes are strings, integers or booleans", name)
		}
		if len(text) > MaxNameBytes {
			return &LimitError{What: "attribute " + name, Why: fmt.Sprintf("has %d bytes, %d are allowed", len(text), MaxNameBytes)}
		}
		m.Metadata[name] = text
	}
	return nil
}
