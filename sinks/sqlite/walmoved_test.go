package sqlite

import (
	"bytes"
	"context"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// tornLog is a disk with a store that was killed with a log, and how to look at it. With moved, all that the log holds
// was moved into the database.
func tornLog(t *testing.T, moved bool) (d *simDisk, open func() (events int, err error)) {
	d = newSimDisk(simFolder(t), 1)
	t.Cleanup(d.remove)
	options := Options{Readers: 1, tuning: tuning{disk: d}}
	store, err := Open(t.Context(), simPath, options)
	require.NoError(t, err)
	for range 10 {
		require.NoError(t, store.Append(t.Context(), []engine.Append{oneEvent("a")})[0].Err)
	}
	if moved {
		c, err := connect(t.Context(), simPath, d.vfs(), &store.options)
		require.NoError(t, err)
		require.NoError(t, c.conn.Exec("SELECT * FROM progress")) // a connection finds the log when it first reads
		length, done, err := c.conn.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
		require.NoError(t, err)
		require.Positive(t, done)
		require.Equal(t, length, done)
		require.NoError(t, c.close())
	}
	files := map[string][]byte{}
	d.mu.Lock()
	for name, n := range d.names {
		files[name] = bytes.Clone(n.data)
	}
	d.mu.Unlock()
	require.NoError(t, store.Close())
	d.revive(false)
	clear(d.names)
	for name, data := range files {
		d.names[name] = &simInode{data: data}
	}
	require.Greater(t, len(files[simPath+logSuffix]), walHeaderBytes+10*walFrameBytes)
	return d, func() (int, error) {
		store, err := Open(context.Background(), simPath, options)
		if err != nil {
			return 0, err
		}
		defer func() { require.NoError(t, store.Close()) }()
		return count(t, store), nil
	}
}

// TestTornHeaderAfterRestart tears the header of a log that SQLite starts anew: what stands behind it is in the
// database, so the store must open, whole.
func TestTornHeaderAfterRestart(t *testing.T) {
	for until := 16; until < walHeaderBytes; until += 4 {
		d, open := tornLog(t, true)
		log := d.names[simPath+logSuffix].data
		for i := 12; i < until; i++ { // the count of restarts, the salt and the checksum change
			log[i] ^= 0x5a
		}
		events, err := open()
		require.NoError(t, err, "%d bytes of the header were written", until)
		require.Equal(t, 10, events)
	}
}

// TestDamagedHeader damages the header of a log that holds what the database does not have: all of it, or only a page.
func TestDamagedHeader(t *testing.T) {
	for at := range walHeaderBytes {
		d, open := tornLog(t, false)
		d.names[simPath+logSuffix].data[at] ^= 0x10
		_, err := open()
		require.ErrorIs(t, err, engine.ErrCorrupt, "byte %d", at)
	}
	for name, change := range map[string]func(database *simInode){
		"the database is shorter":         func(n *simInode) { n.data = n.data[:len(n.data)-pageSize] },
		"a page of the database is older": func(n *simInode) { n.data[len(n.data)-pageSize/2] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			d, open := tornLog(t, true)
			d.names[simPath+logSuffix].data[17] ^= 0x10
			change(d.names[simPath])
			_, err := open()
			require.ErrorIs(t, err, engine.ErrCorrupt)
		})
	}
}
