package engine_test

import (
	"bytes"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

func TestNewIDIsUUIDv7(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time starts at 2000-01-01T00:00:00Z here
		time.Sleep(5 * time.Millisecond)
		u := uuid.UUID(engine.NewID())
		require.Equal(t, uuid.Version(7), u.Version())
		require.Equal(t, uuid.RFC4122, u.Variant())
		seconds, nanoseconds := u.Time().UnixTime()
		require.Equal(t, time.Date(2000, 1, 1, 0, 0, 0, 5e6, time.UTC), time.Unix(seconds, nanoseconds).UTC())
	})
}

func TestNewIDSortsByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := engine.NewID()
		for _, apart := range []time.Duration{245 * time.Nanosecond, time.Microsecond, 999_999 * time.Nanosecond, time.Millisecond} {
			for range 10_000 {
				time.Sleep(apart)
				id := engine.NewID()
				require.Equal(t, uuid.Version(7), uuid.UUID(id).Version())
				require.Equal(t, uuid.RFC4122, uuid.UUID(id).Variant())
				require.Negative(t, bytes.Compare(before[:], id[:]), "%s is not before %s", before, id)
				before = id
			}
		}
	})
}

// All ids of one frozen millisecond, made by many goroutines, still differ.
func TestNewIDIsUnique(t *testing.T) {
	const makers, each = 8, 2000
	synctest.Test(t, func(t *testing.T) {
		made := make([][]engine.ID, makers)
		var wg sync.WaitGroup
		for i := range makers {
			wg.Go(func() {
				for range each {
					made[i] = append(made[i], engine.NewID())
				}
			})
		}
		wg.Wait()
		seen := map[engine.ID]bool{}
		for _, ids := range made {
			for _, id := range ids {
				seen[id] = true
			}
		}
		require.Len(t, seen, makers*each)
	})
}

func TestParseID(t *testing.T) {
	const text = "0190163d-8694-739b-aea5-966c26f8ad91"
	id, err := engine.ParseID(text)
	require.NoError(t, err)
	require.Equal(t, text, id.String())
	require.Equal(t, byte(0x91), id[15])
	upper, err := engine.ParseID("0190163D-8694-739B-AEA5-966C26F8AD91")
	require.NoError(t, err)
	require.Equal(t, id, upper, "one id has one meaning, however it is written")
}

// The other ways in which UUIDs are written are refused, so that one id never has two spellings in one log.
func TestParseIDRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":          "",
		"without dashes": "0190163d8694739baea5966c26f8ad91",
		"in braces":      "{0190163d-8694-739b-aea5-966c26f8ad91}",
		"as URN":         "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad91",
		"not hex":        "0190163d-8694-739b-aea5-966c26f8ad9x",
		"dash misplaced": "0190163-d8694-739b-aea5-966c26f8ad91",
		"36 of anything": "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
		"very long":      string(make([]byte, 1<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			id, err := engine.ParseID(text)
			require.ErrorContains(t, err, "is not a UUID")
			require.True(t, id.IsZero())
			require.Less(t, len(err.Error()), 500, "hostile input must not become a huge log line")
		})
	}
}

func TestNameID(t *testing.T) {
	// Pinned: these ids are stored as idempotency keys, another function would let old commands in again.
	require.Equal(t, "bfd0a3b3-bda6-5e6c-93d5-bd767a704f9a", engine.NameID("s", "a").String())
	require.Equal(t, engine.NameID("shop", "17"), engine.NameID("shop", "17"))
	require.NotEqual(t, engine.NameID("shop", "17"), engine.NameID("shop", "18"))
	require.NotEqual(t, engine.NameID("shop1", "7"), engine.NameID("shop", "17"), "the border between both counts")
	require.Equal(t, uuid.Version(5), uuid.UUID(engine.NameID("shop", "17")).Version())
}

func TestIDIsZero(t *testing.T) {
	require.True(t, engine.ID{}.IsZero())
	require.False(t, engine.ID{15: 1}.IsZero())
	require.Equal(t, "00000000-0000-0000-0000-000000000000", engine.ID{}.String())
}

func TestIDAsText(t *testing.T) {
	id := engine.NewID()
	text, err := id.MarshalText()
	require.NoError(t, err)
	require.Equal(t, id.String(), string(text))
	var again engine.ID
	require.NoError(t, again.UnmarshalText(text))
	require.Equal(t, id, again)
	require.Error(t, again.UnmarshalText(text[1:]))
}
