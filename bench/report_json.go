package bench

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// WriteJSON writes a report, or the studies of one, as one line of JSON. What is not a finite number becomes null, and what
// is not UTF-8 a replacement character.
func WriteJSON[T Report | []Study](w io.Writer, v T) error {
	err := json.MarshalWrite(w, v, jsontext.AllowInvalidUTF8(true), json.WithMarshalers(json.MarshalToFunc(func(e *jsontext.Encoder, f float64) error {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return e.WriteToken(jsontext.Null)
		}
		return errors.ErrUnsupported
	})))
	if err == nil {
		_, err = io.WriteString(w, "\n")
	}
	return err
}

// ReadReport reads a report that WriteJSON wrote; null becomes not a number. What is anything else is an error: other JSON,
// members that a report does not have, a report of nothing.
func ReadReport(r io.Reader) (Report, error) {
	report, err := readJSON[Report](r)
	if err == nil && len(report.Studies) == 0 {
		err = errors.New("bench: no report of a benchmark: it has no study")
	}
	return report, err
}

// ReadStudies reads studies that WriteJSON wrote, as bench/peers prints them.
func ReadStudies(r io.Reader) ([]Study, error) { return readJSON[[]Study](r) }

func readJSON[T any](r io.Reader) (T, error) {
	var v T
	err := json.UnmarshalRead(r, &v, json.RejectUnknownMembers(true),
		json.WithUnmarshalers(json.UnmarshalFromFunc(func(d *jsontext.Decoder, f *float64) error {
			if d.PeekKind() != jsontext.Null.Kind() {
				return errors.ErrUnsupported
			}
			*f = math.NaN()
			return d.SkipValue()
		})))
	if err != nil {
		return v, fmt.Errorf("bench: no report of a benchmark: %w", err)
	}
	return v, nil
}
