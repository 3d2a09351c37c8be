package engine

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of one append and of the names in it. Every store keeps the same ones. Only MaxAppendBytes needs encoded
// payloads: a store that keeps payloads as Go values, as sinks/memory does, cannot count their bytes.
const (
	MaxNameBytes    = 255     // an aggregate id, a type, a source, a content type, a schema, a traceparent
	MaxAppendEvents = 4096    // events in one append
	MaxAppendBytes  = 1 << 20 // encoded payloads of one append, together
	MaxMetadata     = 64      // attributes in the metadata of one message, each name and value at most MaxNameBytes
)

// CheckName returns a *LimitError when name is not 1 to 255 bytes of valid UTF-8 without control characters. The error
// calls it what: "aggregate id", "type".
func CheckName(what, name string) error {
	switch {
	case name == "":
		return &LimitError{What: what, Why: "is empty"}
	case len(name) > MaxNameBytes:
		return &LimitError{What: what, Why: tooMany(len(name), MaxNameBytes, "bytes")}
	}
	for i := plain(name); i < len(name); {
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

// plain is how many bytes at the beginning are printable ASCII, in steps of eight: names are checked so often, and are so
// nearly always plain, that one look at eight bytes is worth its arithmetic. With the top bit of every byte clear, adding
// 0x60 sets it in those from 0x20 on, and adding 1 sets it in 0x7f.
func plain(name string) int {
	const tops, ones = 0x8080808080808080, 0x0101010101010101
	i := 0
	for ; i+8 <= len(name); i += 8 {
		b := name[i : i+8]
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		if x&tops != 0 || (x+0x60*ones)&tops != tops || (x+ones)&tops != 0 {
			break
		}
	}
	return i
}

// brief is err with a text that fits into a log line, and is the same each time. JSON errors quote member names, which may be
// as long as the input, and say "unable to" in one process and "cannot" in the next, so that nobody relies on it; but dead
// letters are found and counted by their reasons.
func brief(err error) error {
	const most = 300
	text := strings.Replace(err.Error(), "json: unable to ", "json: cannot ", 1)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return &reworded{err, text}
}

// reworded is an error with another text.
type reworded struct {
	error
	text string
}

func (r *reworded) Error() string { return r.text }
func (r *reworded) Unwrap() error { return r.error }

// check returns an error when an attribute of the message is out of bounds. Only the type may not be empty. Most messages
// are like the one that passed before, if there is one.
func (m *Message) check(passed *Message) error {
	if passed == nil || m.Type != passed.Type || m.Source != passed.Source || m.ContentType != passed.ContentType ||
		m.Schema != passed.Schema || m.TraceParent != passed.TraceParent {
		if err := m.checkNames(); err != nil {
			return err
		}
	}
	if m.Metadata != nil {
		return checkMetadata(m.Metadata)
	}
	return nil
}

func (m *Message) checkNames() error {
	if err := CheckName("type", m.Type); err != nil {
		return err
	}
	for _, f := range [...]struct{ what, value string }{
		{"source", m.Source}, {"content type", m.ContentType}, {"schema", m.Schema}, {"traceparent", m.TraceParent},
	} {
		if f.value == "" {
			continue
		}
		if err := CheckName(f.what, f.value); err != nil {
			return err
		}
	}
	return nil
}

func checkMetadata(metadata map[string]string) error {
	if len(metadata) > MaxMetadata {
		return &LimitError{What: "metadata", Why: tooMany(len(metadata), MaxMetadata, "attributes")}
	}
	for name, value := range metadata {
		if err := CheckName("metadata name", name); err != nil {
			return err
		}
		if len(value) > MaxNameBytes || !utf8.ValidString(value) {
			return &LimitError{What: "metadata " + name, Why: fmt.Sprintf("is not UTF-8 of at most %d bytes", MaxNameBytes)}
		}
	}
	return nil
}

// tooMany says that something has more of a kind than is allowed.
func tooMany(has, allowed int, kind string) string {
	return fmt.Sprintf("has %d %s, %d are allowed", has, kind, allowed)
}

// clip shortens text for an error message: hostile input must not become a huge log line.
func clip(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…" // the cut may go through a rune
}
