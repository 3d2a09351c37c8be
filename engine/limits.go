package engine

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of one append and of the names in it. Every store keeps the same ones, so that what one accepts all accept.
const (
	MaxNameBytes    = 255     // an aggregate id, a type, a source, a content type, a schema
	MaxAppendEvents = 4096    // events in one append
	MaxAppendBytes  = 1 << 20 // encoded payloads of one append, together
)

// CheckName returns a *LimitError when name is not 1 to 255 bytes of valid UTF-8 without control characters. What
// names the place in the error: "aggregate id", "type".
func CheckName(what, name string) error {
	switch {
	case name == "":
		return &LimitError{What: what, Why: "is empty"}
	case len(name) > MaxNameBytes:
		return &LimitError{What: what, Why: fmt.Sprintf("has %d bytes, %d are allowed", len(name), MaxNameBytes)}
	}
	for i := 0; i < len(name); {
		c := name[i]
		if c < utf8.RuneSelf {
			if c < 0x20 || c == 0x7f {
				return &LimitError{What: what, Why: fmt.Sprintf("%q holds a control character", name)}
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(name[i:])
		if r == utf8.RuneError && size == 1 {
			return &LimitError{What: what, Why: fmt.Sprintf("%q is not valid UTF-8", name)}
		}
		if r >= 0x80 && r < 0xa0 {
			return &LimitError{What: what, Why: fmt.Sprintf("%q holds a control character", name)}
		}
		i += size
	}
	return nil
}

// brief is err with a text that fits into a log line: JSON errors quote member names, which may be as long as the input.
func brief(err error) error {
	const most = 300
	text := err.Error()
	if len(text) <= most {
		return err
	}
	return errors.New(strings.ToValidUTF8(text[:most], "") + "…")
}

// clip shortens text for an error message: hostile input must not become a huge log line.
func clip(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…" // the cut may go through a rune
}
