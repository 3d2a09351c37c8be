package engine

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// ID names one message: 16 bytes, a UUID. The zero ID means "none".
type ID [16]byte

// NewID returns a fresh UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, 12 bits of the millisecond's fraction, then 62
// random bits from the runtime's ChaCha8 generator. Ids made a quarter of a microsecond apart or more sort by time; within
// it their sequence is random. It takes no lock, so that many goroutines can make ids at once.
func NewID() (id ID) {
	id.set(freshHalves(time.Now()))
	return id
}

// freshHalves makes a fresh id, and gives its first and its last 8 bytes as numbers: see set.
func freshHalves(now time.Time) (high, low uint64) {
	const version, variant = 0x7000, 1 << 63
	since := uint64(now.UnixNano())
	milli := since / 1e6
	fraction := (since - milli*1e6) << 12 / 1e6
	return milli<<16 | version | fraction, rand.Uint64()>>2 | variant
}

// set writes an id in place, as two halves. To copy it right after that, 16 bytes at once, the processor would wait until every
// write before is done.
func (id *ID) set(high, low uint64) {
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
}

// ParseID reads a UUID of any version in its 36 character form.
func ParseID(text string) (ID, error) {
	if len(text) != 36 {
		return ID{}, fmt.Errorf("engine: id %q is not a UUID of 36 characters", clip(text))
	}
	u, err := uuid.Parse(text)
	if err != nil {
		return ID{}, fmt.Errorf("engine: id %q is not a UUID: %w", clip(text), err)
	}
	return ID(u), nil
}

// NameID returns the id that stands for a foreign name: UUIDv5 of source and name, which CloudEvents declares unique
// together. The same pair always gives the same id, so that a redelivered foreign message is recognized.
func NameID(source, name string) ID {
	return ID(uuid.NewSHA1(uuid.NameSpaceURL, []byte(source+"\x00"+name)))
}

// IsZero tells whether the id is the zero ID, "none".
func (id ID) IsZero() bool { return id == ID{} }

// String gives the 36 character form.
func (id ID) String() string { return uuid.UUID(id).String() }

// MarshalText gives the 36 character form, for JSON and the like.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads it, as ParseID does.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}
