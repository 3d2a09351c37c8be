package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// flips is a store whose bytes are damaged one after the other.
type flips struct {
	disk    *simDisk
	options Options
	files   map[string][]byte
	ledger  *ledger
	want    contents
	bound   engine.Position // when it is not 0, what stands behind it may be missing
}

// contents is all that a store answers.
type contents struct {
	Log, Streams []engine.Event
	Commands     []engine.Result
	Snapshots    []engine.Snapshot
	Letters      []engine.DeadLetter
}

// newFlips fills a store and keeps its files, closed or as a killed process leaves them.
func newFlips(t *testing.T, closed bool) *flips {
	d := newSimDisk(simFolder(t), seedOf())
	t.Cleanup(d.remove)
	f := &flips{disk: d, options: Options{Readers: 1}, files: map[string][]byte{}, ledger: newLedger(1)}
	f.options.tuning.disk, f.options.tuning.tailEvents = d, 40
	store, err := Open(t.Context(), simPath, f.options)
	require.NoError(t, err)
	for range 60 {
		require.True(t, f.ledger.append(store, f.ledger.next()))
	}
	if closed {
		require.NoError(t, store.Close())
	}
	for name, n := range d.names {
		f.files[name] = bytes.Clone(n.data)
	}
	if !closed {
		require.NoError(t, store.Close())
	}
	require.NoError(t, f.read(&f.want))
	require.NotEmpty(t, f.want.Snapshots)
	require.NotEmpty(t, f.want.Letters)
	return f
}

// read puts the files on the disk, opens the store and reads everything, commands first: a command that is not known any
// more would be stored again.
func (f *flips) read(into *contents) (err error) {
	f.disk.revive(false)
	clear(f.disk.names)
	for name, data := range f.files {
		f.disk.names[name] = &simInode{data: bytes.Clone(data)}
	}
	ctx := context.Background()
	store, err := Open(ctx, simPath, f.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for event, err := range store.Read(ctx, 0) {
		if err != nil {
			return err
		}
		into.Log = append(into.Log, event)
	}
	for letter, err := range store.DeadLetters(ctx, 0) {
		if err != nil {
			return err
		}
		into.Letters = append(into.Letters, letter)
	}
	for i := range 6 {
		name := fmt.Sprint("a", i)
		for event, err := range store.Load(ctx, name, 1) {
			if err != nil {
				return err
			}
			into.Streams = append(into.Streams, event)
		}
		snapshot, found, err := store.LoadSnapshot(ctx, name, 1<<40)
		if err != nil {
			return err
		}
		if found {
			into.Snapshots = append(into.Snapshots, snapshot)
		}
	}
	for _, event := range into.Log {
		result := store.Append(ctx, []engine.Append{f.ledger.tried[event.CausationID]})[0]
		if result.Err != nil {
			return result.Err
		}
		into.Commands = append(into.Commands, result)
	}
	return nil
}

// flip damages one byte and tells whether that was reported. It fails the test when an answer changed without a word.
func (f *flips) flip(t *testing.T, name string, at int, with byte) (reported bool) {
	f.files[name][at] ^= with
	defer func() { f.files[name][at] ^= with }()
	var got contents
	err := f.read(&got)
	if err != nil {
		if name != simPath || at >= 100 { // damage to the header may make it another application's file
			require.ErrorIs(t, err, engine.ErrCorrupt, "%s, byte %d ^ %#x: it must be called damage", name, at, with)
		}
		return true
	}
	if f.bound > 0 && len(got.Log) < len(f.want.Log) {
		require.GreaterOrEqual(t, len(got.Log), int(f.bound), "%s, byte %d ^ %#x: too much is gone", name, at, with)
		require.Equal(t, f.want.Log[:len(got.Log)], got.Log)
		return false
	}
	if !reflect.DeepEqual(f.want, got) {
		require.Equal(t, f.want, got, "G11: %s, byte %d ^ %#x: another answer, and no error", name, at, with)
	}
	return false
}

// TestFlippedFile damages single bytes of a closed store: each byte of the file's header, the first 64 bytes of each
// kind of page, and a sample of all others. What is read afterwards must be an error, or the same as before.
func TestFlippedFile(t *testing.T) {
	f := newFlips(t, true)
	seed := seedOf()
	random := rand.New(rand.NewPCG(seed, 4))
	began := time.Now()
	places := []int{}
	for at := range 100 {
		places = append(places, at)
	}
	data, kinds := f.files[simPath], map[byte]bool{}
	for page := pageSize; page < len(data); page += pageSize {
		if kind := data[page]; !kinds[kind] {
			kinds[kind] = true
			for at := range 64 {
				places = append(places, page+at)
			}
		}
	}
	for range environment("ORCHESTRIX_FLIPS", 200) {
		places = append(places, random.IntN(len(data)))
	}
	reported := 0
	for _, at := range places {
		if f.flip(t, simPath, at, byte(1+random.IntN(255))) {
			reported++
		}
	}
	t.Logf("seed %d: %d bytes in %d pages of %d kinds flipped, %d reported, the others read the same, %.0f/s", seed, len(places),
		len(data)/pageSize, len(kinds), reported, float64(len(places))/time.Since(began).Seconds())
	require.Greater(t, reported, len(places)/2, "most pages are in use")
}

// TestFlippedByteOrder damages the bit of the log's header that says in which byte order the checksums of all frames are:
// they look damaged, all of them, as if nothing of the log had ever been synced.
func TestFlippedByteOrder(t *testing.T) {
	require.True(t, newFlips(t, false).flip(t, simPath+logSuffix, 3, 1))
}

// TestFlippedLog damages single bytes of the log that a killed process left behind. What is read must be an error or the
// same as before, but for the last transaction, whose damage looks like a power cut, and the last but one where the
// damage hides its end: then they are gone, whole, and nothing else is.
func TestFlippedLog(t *testing.T) {
	f := newFlips(t, false)
	seed := seedOf()
	random := rand.New(rand.NewPCG(seed, 5))
	wal := f.files[simPath+logSuffix]
	ends := []int{} // of transactions: the frame behind the commit
	frames := (len(wal) - walHeaderBytes) / walFrameBytes
	for i := range frames {
		if binary.BigEndian.Uint32(wal[walHeaderBytes+i*walFrameBytes+4:]) != 0 {
			ends = append(ends, i+1)
		}
	}
	require.Greater(t, len(ends), 20)
	last, lastButOne := ends[len(ends)-2], ends[len(ends)-3]
	var reported, gone, all int
	try := func(at int) {
		frame := (at - walHeaderBytes) / walFrameBytes
		inHeader := at >= walHeaderBytes && (at-walHeaderBytes)%walFrameBytes < walFrameHeader
		f.bound = 0
		if at >= walHeaderBytes && (frame >= last || frame >= lastButOne && inHeader) {
			f.bound = engine.Position(len(f.want.Log) - 2*9) // two calls of at most three appends of three events
		}
		all++
		if f.flip(t, simPath+logSuffix, at, byte(1+random.IntN(255))) {
			reported++
		} else if f.bound > 0 {
			gone++
		} else if at >= walHeaderBytes {
			require.Fail(t, "G11: damage to the log was passed over", "byte %d, frame %d of %d", at, frame, frames)
		}
	}
	for at := range walHeaderBytes {
		try(at)
	}
	for frame := range frames {
		if frame%7 == 0 || frame >= lastButOne {
			for at := range walFrameHeader {
				try(walHeaderBytes + frame*walFrameBytes + at)
			}
		}
	}
	for range environment("ORCHESTRIX_FLIPS", 200) {
		try(walHeaderBytes + random.IntN(len(wal)-walHeaderBytes))
	}
	t.Logf("seed %d: %d bytes flipped in %d frames of %d transactions, %d reported, %d took the end away or changed nothing",
		seed, all, frames, len(ends), reported, gone)
}
