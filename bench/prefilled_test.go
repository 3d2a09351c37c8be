package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
)

// readPrefilled reads every record of a prefilled log, up to the zeros.
func readPrefilled(t *testing.T, path string) []logRecord {
	t.Helper()
	rest, err := os.ReadFile(path)
	require.NoError(t, err)
	var records []logRecord
	for len(rest) > 0 {
		length := binary.LittleEndian.Uint32(rest)
		if length == 0 {
			break
		}
		body := rest[8 : 8+length]
		require.Equal(t, crc32.Checksum(body, castagnoli), binary.LittleEndian.Uint32(rest[4:]))
		name := int(body[24])
		records = append(records, logRecord{
			aggregate: string(body[25 : 25+name]), expected: binary.LittleEndian.Uint64(body) - 1,
			id: engine.ID(body[8:24]), payload: body[25+name:],
		})
		rest = rest[8+length:]
	}
	return records
}

// Many writers append at once: everything acknowledged stands in the file, in the sequence of its aggregate, and was
// synced before it was acknowledged.
func TestPrefilledLogReadsBack(t *testing.T) {
	defer goleak.VerifyNone(t)
	path := filepath.Join(t.TempDir(), "log")
	load := newJotLoad(8, 800, 16)
	log, err := newPrefilledLog(path, 1<<20)
	require.NoError(t, err)
	var syncs, synced atomic.Int64
	log.sync = func(file *os.File) error {
		syncs.Add(1)
		there := len(readPrefilled(t, path))
		err := syncData(file)
		synced.Store(int64(there))
		return err
	}
	var acknowledged atomic.Int64
	ids := make([]engine.ID, load.events())
	sample, err := load.run(func(_, i int) error {
		r := newLogRecord()
		r.aggregate, r.expected, r.id = load.aggregate(i), uint64(load.expected(i)), engine.NewID()
		r.payload = fmt.Append(nil, i)
		ids[i] = r.id
		log.submit(r)
		if err := <-r.reply; err != nil {
			return err
		}
		if acknowledged.Add(1) > synced.Load() {
			return errors.New("acknowledged before it was synced")
		}
		return nil
	})
	require.NoError(t, err)
	require.Positive(t, sample.Value)
	require.NoError(t, log.close())
	require.Positive(t, syncs.Load())

	records := readPrefilled(t, path)
	require.Len(t, records, load.events())
	versions := map[string]uint64{}
	for _, r := range records {
		var i int
		_, err := fmt.Sscan(string(r.payload), &i)
		require.NoError(t, err)
		require.Equal(t, ids[i], r.id)
		require.Equal(t, load.aggregate(i), r.aggregate)
		require.Equal(t, versions[r.aggregate], r.expected)
		versions[r.aggregate]++
	}
}

func TestPrefilledLogRefuses(t *testing.T) {
	defer goleak.VerifyNone(t)
	record := newLogRecord()
	record.aggregate, record.payload = "a", []byte("payload")
	log, err := newPrefilledLog(filepath.Join(t.TempDir(), "log"), 2*record.size())
	require.NoError(t, err)
	add := func(expected uint64) error {
		record.expected = expected
		log.submit(record)
		return <-record.reply
	}
	require.ErrorIs(t, add(1), errLogConflict)
	require.NoError(t, add(0))
	require.ErrorIs(t, add(0), errLogConflict)
	require.NoError(t, add(1))
	require.ErrorIs(t, add(2), errLogFull)
	require.NoError(t, log.close())

	_, err = newPrefilledLog(filepath.Join(t.TempDir(), "no", "folder"), 1)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A sync that fails is told to the writer, and nothing is acknowledged after it.
func TestPrefilledLogSyncFails(t *testing.T) {
	defer goleak.VerifyNone(t)
	log, err := newPrefilledLog(filepath.Join(t.TempDir(), "log"), 1<<10)
	require.NoError(t, err)
	broken := errors.New("broken disk")
	log.sync = func(*os.File) error { return broken }
	record := newLogRecord()
	record.aggregate = "a"
	for range 2 {
		log.submit(record)
		require.ErrorIs(t, <-record.reply, broken)
		log.sync = syncData
		record.expected++
	}
	require.NoError(t, log.close())
}
