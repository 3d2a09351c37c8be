package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

var errDisk = errors.New("the disk does not answer")

// faultyVFS is the system's files with calls that fail on demand.
type faultyVFS struct {
	vfs.VFSFilename
	failSync  atomic.Bool // of the write-ahead log
	failWrite atomic.Bool // of the write-ahead log
	syncs     atomic.Int64

	failDatabase atomic.Bool            // its syncs
	holdDatabase atomic.Pointer[func()] // called ahead of its syncs
}

func (f *faultyVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := f.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	shared, ok := file.(vfs.FileSharedMemory)
	if !ok {
		return file, flags, nil
	}
	return &faultyFile{FileSharedMemory: shared, vfs: f, log: strings.HasSuffix(name.String(), "-wal")}, flags, nil
}

type faultyFile struct {
	vfs.FileSharedMemory
	vfs *faultyVFS
	log bool
}

func (f *faultyFile) Sync(flags vfs.SyncFlag) error {
	if f.log && f.vfs.failSync.Load() || !f.log && f.vfs.failDatabase.Load() {
		return errors.Join(sqlite3.IOERR_FSYNC, errDisk)
	}
	if hold := f.vfs.holdDatabase.Load(); hold != nil && !f.log {
		(*hold)()
	}
	f.vfs.syncs.Add(1)
	return f.FileSharedMemory.Sync(flags)
}

func (f *faultyFile) WriteAt(data []byte, at int64) (int, error) {
	if f.log && f.vfs.failWrite.Load() {
		return 0, &fs.PathError{Op: "write", Path: "the log", Err: syscall.ENOSPC} // as the system says that the disk is full
	}
	return f.FileSharedMemory.WriteAt(data, at)
}

// faultyDisk is the operating system's, with another file system below SQLite.
type faultyDisk struct {
	osDisk
	name string
}

func (d faultyDisk) vfs() string { return d.name }

// openFaulty opens a new store on files that can be made to fail.
func openFaulty(t *testing.T) (*Store, *faultyVFS, string) {
	t.Helper()
	files := &faultyVFS{VFSFilename: vfs.Find("os").(vfs.VFSFilename)}
	name := "faulty-" + strings.NewReplacer("/", "-", " ", "-").Replace(t.Name())
	vfs.Register(name, files)
	t.Cleanup(func() { vfs.Unregister(name) })
	path := filepath.Join(t.TempDir(), "events.db")
	store, err := Open(t.Context(), path, Options{tuning: tuning{disk: faultyDisk{name: name}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store, files, path
}

func oneEvent(aggregate string) engine.Append {
	return engine.Append{
		Aggregate: aggregate, Expected: engine.Any, CommandID: engine.NewID(),
		Events: []engine.Event{{Message: engine.Message{
			ID: engine.NewID(), Type: "test.happened", Subject: aggregate, Data: engine.Raw(`{"n":1}`),
		}}},
	}
}

func count(t *testing.T, store *Store) (n int) {
	t.Helper()
	for _, err := range store.Read(t.Context(), 0) {
		require.NoError(t, err)
		n++
	}
	return n
}

// TestFailedCommitPoisons lets the sync, or the write, of a commit fail once. The results must be unknown, the store
// must be shut for writing although the disk works again, what was acknowledged must be there, and opening again must
// help.
func TestFailedCommitPoisons(t *testing.T) {
	for name, fail := range map[string]func(*faultyVFS) *atomic.Bool{
		"sync":  func(f *faultyVFS) *atomic.Bool { return &f.failSync },
		"write": func(f *faultyVFS) *atomic.Bool { return &f.failWrite },
	} {
		t.Run(name, func(t *testing.T) {
			store, files, path := openFaulty(t)
			kept := oneEvent("a")
			require.NoError(t, store.Append(t.Context(), []engine.Append{kept})[0].Err)

			fail(files).Store(true)
			lost := oneEvent("a")
			conflict := oneEvent("a")
			conflict.Expected = engine.NoStream
			for _, result := range store.Append(t.Context(), []engine.Append{lost, conflict}) {
				require.ErrorIs(t, result.Err, engine.ErrUnknown)
				require.NotErrorIs(t, result.Err, engine.ErrClosed, "it would say that nothing was stored")
				require.ErrorIs(t, result.Err, sqlite3.ErrorCode(errCode(name)), "the cause must be kept")
			}
			fail(files).Store(false)
			for range 3 {
				result := store.Append(t.Context(), []engine.Append{oneEvent("a")})[0]
				require.ErrorIs(t, result.Err, ErrPoisoned, "an append was accepted after a failed commit")
				require.NotErrorIs(t, result.Err, engine.ErrUnknown, "nothing of it was stored")
			}
			require.Equal(t, 1, count(t, store), "G7: a reader sees an event that nobody knows to be stored")
			require.NoError(t, store.Close())

			store, err := Open(t.Context(), path, Options{})
			require.NoError(t, err)
			results := store.Append(t.Context(), []engine.Append{kept, lost})
			require.True(t, results[0].Duplicate, "G1: an acknowledged append is gone")
			require.NoError(t, results[1].Err, "asking again by the command id ends the doubt")
			require.Equal(t, 2, count(t, store), "G6: an append of unknown outcome was stored twice or not at all")
			require.NoError(t, store.Close())
		})
	}
}

func errCode(name string) sqlite3.ErrorCode {
	if name == "write" {
		return sqlite3.FULL
	}
	return sqlite3.IOERR
}

// TestConcurrentCallersShareAFailure lets a sync fail under many callers: each gets unknown or poisoned, and what was
// acknowledged is there.
func TestConcurrentCallersShareAFailure(t *testing.T) {
	store, files, path := openFaulty(t)
	var acknowledged sync.Map
	var running sync.WaitGroup
	for caller := range 8 {
		running.Go(func() {
			for i := range 5000 { // a store that never fails ends too, and fails the test
				if caller == 0 && i == 20 {
					files.failSync.Store(true)
				}
				a := oneEvent(fmt.Sprint("a", caller))
				result := store.Append(context.Background(), []engine.Append{a})[0]
				if result.Err != nil {
					if !errors.Is(result.Err, engine.ErrUnknown) && !errors.Is(result.Err, ErrPoisoned) {
						t.Errorf("another error: %v", result.Err)
					}
					return
				}
				acknowledged.Store(a.Events[0].ID, true)
			}
			t.Error("a failed sync went unnoticed")
		})
	}
	running.Wait()
	require.NoError(t, store.Close())
	store, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	for event, err := range store.Read(t.Context(), 0) {
		require.NoError(t, err)
		acknowledged.Delete(event.ID)
	}
	acknowledged.Range(func(id, _ any) bool { t.Errorf("G1: event %s was acknowledged and is gone", id); return true })
	require.NoError(t, store.Close())
}

// TestBusyStoresNothing lets another connection hold SQLite's own lock: the append fails before its commit, nothing is
// stored, and the store goes on afterwards.
func TestBusyStoresNothing(t *testing.T) {
	store, _, path := openFaulty(t)
	require.NoError(t, store.Append(t.Context(), []engine.Append{oneEvent("a")})[0].Err)
	other, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, other.Exec("BEGIN IMMEDIATE"))
	require.NoError(t, store.writer.conn.BusyTimeout(0)) // the writer's goroutine is idle
	refused := oneEvent("a")
	result := store.Append(t.Context(), []engine.Append{refused})[0]
	require.ErrorIs(t, result.Err, sqlite3.BUSY)
	require.NotErrorIs(t, result.Err, engine.ErrUnknown)
	require.NoError(t, other.Exec("ROLLBACK"))
	require.NoError(t, other.Close())
	result = store.Append(t.Context(), []engine.Append{refused})[0]
	require.NoError(t, result.Err)
	require.False(t, result.Duplicate, "an append that was answered with an error was stored")
	require.Equal(t, engine.Version(2), result.Last)
}

// TestFailedInsertTakesItsTransactionBack lets SQLite refuse one event in the middle of a call. What is in the
// transaction with it is not stored, and says so; what comes after it is stored, as if nothing had been.
func TestFailedInsertTakesItsTransactionBack(t *testing.T) {
	store, _, path := openFaulty(t)
	require.NoError(t, store.Append(t.Context(), []engine.Append{oneEvent("a")})[0].Err)
	other, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, other.Exec("CREATE TRIGGER t BEFORE INSERT ON segments WHEN (SELECT id FROM kinds WHERE type = 'refused') IN "+
		"(SELECT json_extract(value, '$[2]') FROM json_each(new.events)) BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"))
	require.NoError(t, other.Close())

	before, bad, after := oneEvent("a"), oneEvent("a"), oneEvent("a")
	bad.Events = append(oneEvent("a").Events, bad.Events[0])
	bad.Events[1].Type = "refused"
	for range 2 {
		results := store.Append(t.Context(), []engine.Append{before, bad, after})
		for _, result := range results[:2] {
			require.ErrorContains(t, result.Err, "nothing stored")
			require.NotErrorIs(t, result.Err, engine.ErrUnknown)
		}
		require.NoError(t, results[2].Err)
		require.Equal(t, engine.Version(2), results[2].Last, "a version was taken by an append that was not stored")
		require.Equal(t, engine.Position(2), results[2].Position, "a position was taken by an append that was not stored")
	}
	require.Equal(t, 2, count(t, store), "G2: a part of a failed transaction was stored")
}

// TestOneSyncForMany counts syncs: a call of many appends must need one, and callers that wait must share them.
func TestOneSyncForMany(t *testing.T) {
	store, files, _ := openFaulty(t)
	before := files.syncs.Load()
	batch := make([]engine.Append, 1000)
	for i := range batch {
		batch[i] = oneEvent(fmt.Sprint("a", i%10))
	}
	for _, result := range store.Append(t.Context(), batch) {
		require.NoError(t, result.Err)
	}
	require.LessOrEqual(t, files.syncs.Load()-before, int64(2), "one call of 1000 appends is one commit")
	before = files.syncs.Load()
	var running sync.WaitGroup
	for range 32 {
		running.Go(func() {
			for range 20 {
				store.Append(context.Background(), []engine.Append{oneEvent("a")})
			}
		})
	}
	running.Wait()
	require.Less(t, files.syncs.Load()-before, int64(32*20/2), "callers that wait must share a sync")
}

// TestPanicPoisons lets the writer panic, as the driver does when SQLite's memory runs out.
func TestPanicPoisons(t *testing.T) {
	store, _, _ := openFaulty(t)
	kept := store.writer.place
	first := oneEvent("a")
	require.NoError(t, store.Append(t.Context(), []engine.Append{first})[0].Err)
	store.writer.place = nil // the writer's goroutine is idle
	results := store.Append(t.Context(), []engine.Append{oneEvent("a"), first, oneEvent("b")})
	for _, result := range results {
		require.Error(t, result.Err)
	}
	require.ErrorIs(t, results[0].Err, engine.ErrUnknown)
	require.NotErrorIs(t, results[0].Err, engine.ErrClosed, "it would say that nothing was stored")
	require.ErrorIs(t, store.Append(t.Context(), []engine.Append{oneEvent("a")})[0].Err, ErrPoisoned)
	store.writer.place = kept
	require.Equal(t, 1, count(t, store))
}

// A disk that fails when it is told to begin may not fail again at the sync: what was written may be gone. The commit is
// unknown, the store is shut, and what was acknowledged before is there.
func TestBeginFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	store, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	small := func() []engine.Append { return []engine.Append{oneEvent("a")} }
	large := oneEvent("b")
	large.Events[0].Data = engine.Raw(make([]byte, 2*yieldBytes))
	require.NoError(t, store.Append(t.Context(), small())[0].Err)
	log := fileOf(t, store.writer.connection, sqlite3.FCNTL_JOURNAL_POINTER).(*gatheredFile)
	log.begin = func() error { return errDisk }
	require.NoError(t, store.Append(t.Context(), small())[0].Err, "it is too little to begin early")
	require.ErrorIs(t, store.Append(t.Context(), []engine.Append{large})[0].Err, engine.ErrUnknown)
	require.ErrorIs(t, store.Append(t.Context(), small())[0].Err, ErrPoisoned)
	require.NoError(t, store.Close())

	store, err = Open(t.Context(), path, Options{})
	require.NoError(t, err)
	require.EqualValues(t, 3, store.Append(t.Context(), small())[0].First)
	require.NoError(t, store.Close())
}
