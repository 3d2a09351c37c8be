package engine_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// parcel has one field of each sort whose JSON form could be surprising.
type parcel struct {
	Name   string         `json:"name"`
	Grams  int64          `json:"grams"`
	Due    time.Time      `json:"due"`
	Seal   []byte         `json:"seal"`
	Labels map[string]int `json:"labels"`
	Note   *string        `json:"note"`
	Nested struct{ A, B float64 }
}

// parcelSent is an event with the same fields.
type parcelSent parcel

func codec(t *testing.T) *engine.Registry {
	t.Helper()
	r := engine.NewRegistry()
	engine.OnCommand(r, "parcel.send", "sender", func(context.Context, *engine.Command, parcel) ([]any, error) {
		return nil, nil
	})
	engine.RegisterEvent[parcelSent](r, "parcel.sent")
	require.NoError(t, r.Seal())
	return r
}

func TestCodecRoundTrip(t *testing.T) {
	r := codec(t)
	note := "fragile \u2028 <&> \"quoted\""
	full := parcel{
		Name: "tea", Grams: math.MaxInt64, Due: time.Date(2026, 1, 31, 12, 0, 0, 123456789, time.UTC),
		Seal: []byte{0, 255}, Labels: map[string]int{"a": 1}, Note: &note,
	}
	full.Nested.A = math.SmallestNonzeroFloat64
	for typ, data := range map[string]any{"parcel.send": full, "parcel.sent": parcelSent(full)} {
		raw, err := r.Encode(&engine.Message{Type: typ, Data: data})
		require.NoError(t, err)
		back, err := r.Decode(&engine.Message{Type: typ, Data: raw})
		require.NoError(t, err)
		require.Equal(t, data, back)
	}
	raw, err := r.Encode(&engine.Message{Data: deposit{5}})
	require.NoError(t, err)
	require.Equal(t, `{"Cents":5}`, string(raw))
}

// What is encoded stays as it is, byte for byte, and what is decoded stays as it is too: both can be called twice.
func TestCodecPassesOver(t *testing.T) {
	r := codec(t)
	raw, err := r.Encode(&engine.Message{Type: "no.such", Data: engine.Raw(`{ not JSON`)})
	require.NoError(t, err)
	require.Equal(t, `{ not JSON`, string(raw))
	data, err := r.Decode(&engine.Message{Type: "no.such", Data: deposit{5}})
	require.NoError(t, err)
	require.Equal(t, deposit{5}, data)
}

func TestCodecReadsCommandsStrictlyAndEventsLeniently(t *testing.T) {
	r := codec(t)
	raw := engine.Raw(`{"name":"tea","gramms":3}`)
	_, err := r.Decode(&engine.Message{Type: "parcel.send", Data: raw})
	require.ErrorContains(t, err, `engine: payload of parcel.send cannot be read: json: `)
	require.ErrorContains(t, err, `unknown object member name "gramms"`)
	data, err := r.Decode(&engine.Message{Type: "parcel.sent", Data: raw})
	require.NoError(t, err)
	require.Equal(t, parcelSent{Name: "tea"}, data)
}

// A command without a payload is its zero value: {"type":"shop.open"} needs no data.
func TestCodecReadsNothingAsZero(t *testing.T) {
	r := codec(t)
	for _, raw := range []engine.Raw{nil, {}, engine.Raw("null"), engine.Raw("{}")} {
		data, err := r.Decode(&engine.Message{Type: "parcel.send", Data: raw})
		require.NoError(t, err)
		require.Equal(t, parcel{}, data, "%q", raw)
	}
}

func TestCodecContentType(t *testing.T) {
	r := codec(t)
	for _, is := range []string{
		"", "application/json", "application/json; charset=utf-8", "Application/JSON", "text/json", "application/vnd.acme+json",
	} {
		data, err := r.Decode(&engine.Message{Type: "parcel.send", Data: engine.Raw(`{"name":"tea"}`), ContentType: is})
		require.NoError(t, err, is)
		require.Equal(t, parcel{Name: "tea"}, data)
	}
	for _, not := range []string{"text/plain", "application/protobuf", "json", "application/jsonp", "application/json; ;"} {
		_, err := r.Decode(&engine.Message{Type: "parcel.send", Data: engine.Raw(`{}`), ContentType: not})
		require.EqualError(t, err, `engine: content type "`+not+`" of parcel.send is not JSON`)
	}
}

func TestCodecFaults(t *testing.T) {
	r := codec(t)
	for name, raw := range map[string]string{
		"cut off":         `{"name":"t`,
		"two values":      `{} {}`,
		"another kind":    `[]`,
		"another type":    `{"name":5}`,
		"number too big":  `{"grams":9223372036854775808}`,
		"fraction":        `{"grams":1.5}`,
		"duplicate name":  `{"name":"a","name":"b"}`,
		"another case":    `{"Name":"a"}`,
		"invalid UTF-8":   "{\"name\":\"\xff\"}",
		"half a pair":     `{"name":"\ud800"}`,
		"too deep":        strings.Repeat("[", 1<<20),
		"huge field name": `{"` + strings.Repeat("k", 1<<20) + `":1}`,
		"not JSON":        "hello",
	} {
		t.Run(name, func(t *testing.T) {
			data, err := r.Decode(&engine.Message{Type: "parcel.send", Data: engine.Raw(raw)})
			require.ErrorContains(t, err, "engine: payload of parcel.send cannot be read: json")
			require.Nil(t, data)
			require.Less(t, len(err.Error()), 500, "hostile input must not become a huge log line")
		})
	}
}

func TestCodecUnknownType(t *testing.T) {
	_, err := codec(t).Decode(&engine.Message{Type: strings.Repeat("t", 1<<20), Data: engine.Raw(`{}`)})
	require.ErrorIs(t, err, engine.ErrNoType)
	require.EqualError(t, err, `engine: type is not registered: "`+strings.Repeat("t", 80)+`…"`)
}

func TestCodecCannotEncode(t *testing.T) {
	_, err := codec(t).Encode(&engine.Message{ID: id(t, 1), Type: "odd", Data: make(chan int)})
	require.ErrorContains(t, err,
		"engine: payload of odd 00000000-0000-7000-8000-000000000001 cannot be encoded: json: ")
}

// The text of a JSON error is the same in each process, and the error itself is there.
func TestCodecErrorsAreTheSameEachTime(t *testing.T) {
	type counted struct{ N int }
	r := engine.NewRegistry()
	engine.RegisterEvent[counted](r, "counted")
	_, err := r.Decode(&engine.Message{Type: "counted", Data: engine.Raw(`{"N":"x"}`)})
	require.ErrorContains(t, err, "json: cannot unmarshal") // in every other process the library says "unable to"
	_, is := errors.AsType[*json.SemanticError](err)
	require.True(t, is)
	unfit := func() {}
	_, err = r.Encode(&engine.Message{Type: "counted", Data: unfit})
	require.ErrorContains(t, err, "json: cannot marshal")
	_, err = r.Digest("counted", unfit)
	require.ErrorContains(t, err, "json: cannot marshal")
}
