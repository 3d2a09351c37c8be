package sqlite

import (
	"bytes"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/stretchr/testify/require"
)

// memoryFile is a file in memory that may refuse to be written to.
type memoryFile struct {
	vfs.File // nil: only the methods below are called
	data     []byte
	writes   int
	failing  error
}

func (f *memoryFile) WriteAt(data []byte, at int64) (int, error) {
	if f.failing != nil {
		return 0, f.failing
	}
	f.writes++
	if end := int(at) + len(data); end > len(f.data) {
		f.data = append(f.data, make([]byte, end-len(f.data))...)
	}
	return copy(f.data[at:], data), nil
}

func (f *memoryFile) ReadAt(data []byte, at int64) (int, error) {
	return bytes.NewReader(f.data).ReadAt(data, at)
}

func (f *memoryFile) Truncate(size int64) error {
	f.data = f.data[:min(int(size), len(f.data))]
	return nil
}

func (f *memoryFile) Size() (int64, error)    { return int64(len(f.data)), nil }
func (f *memoryFile) Sync(vfs.SyncFlag) error { return nil }
func (f *memoryFile) Close() error            { return nil }

// TestGatheredFile does the same to a gathered file and to a plain one: whoever looks sees no difference.
func TestGatheredFile(t *testing.T) {
	seed := seedOf()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	below, plain := &memoryFile{}, &memoryFile{}
	f := &gatheredFile{File: below}
	for range 20_000 {
		end := len(plain.data)
		switch random.IntN(12) {
		case 0:
			require.NoError(t, f.Sync(0))
			require.Equal(t, plain.data, below.data)
		case 1:
			size, err := f.Size()
			require.NoError(t, err)
			require.EqualValues(t, end, size)
		case 2:
			got, want := make([]byte, 50), make([]byte, 50)
			at := int64(random.IntN(end + 1))
			n, err := f.ReadAt(got, at)
			wanted, wantErr := plain.ReadAt(want, at)
			require.Equal(t, wanted, n)
			require.Equal(t, wantErr, err)
			require.Equal(t, want, got)
		case 3:
			if random.IntN(20) == 0 {
				end = random.IntN(end + 1)
				require.NoError(t, f.Truncate(int64(end)))
				require.NoError(t, plain.Truncate(int64(end)))
			}
		default:
			data := bytes.Repeat([]byte{byte(random.Uint32())}, 1+random.IntN(40))
			if random.IntN(200) == 0 {
				data = bytes.Repeat(data, gatheredBytes/30)
			}
			if random.IntN(6) == 0 {
				end = random.IntN(end + 1)
			}
			for _, file := range []vfs.File{f, plain} {
				n, err := file.WriteAt(data, int64(end))
				require.NoError(t, err)
				require.Equal(t, len(data), n)
			}
		}
	}
	require.NoError(t, f.Close())
	require.Equal(t, plain.data, below.data)
	require.Less(t, below.writes, plain.writes)
}

// TestGatheredFileReportsFailedWrites makes sure that a write which failed late is not taken for one that did not.
func TestGatheredFileReportsFailedWrites(t *testing.T) {
	for name, look := range map[string]func(f *gatheredFile) error{
		"sync":     func(f *gatheredFile) error { return f.Sync(0) },
		"close":    func(f *gatheredFile) error { return f.Close() },
		"truncate": func(f *gatheredFile) error { return f.Truncate(0) },
		"size":     func(f *gatheredFile) error { _, err := f.Size(); return err },
		"read":     func(f *gatheredFile) error { _, err := f.ReadAt(make([]byte, 1), 0); return err },
		"seek":     func(f *gatheredFile) error { _, err := f.WriteAt([]byte{1}, 17); return err },
	} {
		f := &gatheredFile{File: &memoryFile{failing: io.ErrShortWrite}}
		_, err := f.WriteAt([]byte{1, 2, 3}, 0)
		require.NoError(t, err, "it waits")
		require.ErrorIs(t, look(f), io.ErrShortWrite, name)
	}
}

// A sync of much tells the disk to begin, and lets those run first who are ready to. Beside goroutines that only compute that
// takes long, and the next syncs do without.
func TestGatheredFileYields(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // who is ready runs when the file yields, nearly always
	begun, size := 0, yieldBytes
	f := &gatheredFile{File: &memoryFile{}, begin: func() error { begun++; return nil }}
	syncBeside := func(work func()) (wentFirst bool) {
		var other sync.WaitGroup
		defer other.Wait()
		var ran atomic.Bool
		other.Go(func() {
			work()
			ran.Store(true)
		})
		_, err := f.WriteAt(make([]byte, size), 0)
		require.NoError(t, err)
		require.NoError(t, f.Sync(0))
		return ran.Load()
	}
	for tries := 0; !syncBeside(func() {}); tries++ {
		require.Less(t, tries, 100)
	}
	require.Positive(t, begun)
	for tries := 0; f.hasty == 0; tries++ {
		require.Less(t, tries, 100)
		syncBeside(func() {
			for began := time.Now(); time.Since(began) < 2*longYield; {
			}
		})
	}
	begun = 0
	require.Equal(t, hastyYields, f.hasty)
	syncBeside(func() {})
	require.Equal(t, hastyYields-1, f.hasty)
	require.Zero(t, begun, "it is in a hurry")

	f.hasty, size = 0, yieldBytes-1
	syncBeside(func() {})
	require.Zero(t, begun, "it is not worth while")

	size = yieldBytes
	f = &gatheredFile{File: &memoryFile{}}
	syncBeside(func() {}) // the file is not the system's: there is nothing to begin
}
