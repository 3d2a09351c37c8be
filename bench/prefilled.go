package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

var (
	errLogFull     = errors.New("bench: the prefilled log is full")
	errLogConflict = errors.New("bench: the prefilled log has another version")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// logHeader is the size of a record without its aggregate and payload: length and checksum of what follows, version,
// command id, length of the aggregate.
const logHeader = 4 + 4 + 8 + 16 + 1

// A prefilledLog is the yardstick for durable appends, written by hand: a file that is written full of zeros and synced
// beforehand, so that a sync of an append has nothing to write but the append. One committer takes all records that wait,
// writes them at once, syncs, and acknowledges each. It checks expected versions and keeps neither an index nor the
// command ids: it is what the disk allows, not a store.
type prefilledLog struct {
	file     *os.File
	sync     func(*os.File) error // syncData, but in a test
	left     int64                // bytes
	versions map[string]uint64    // of each aggregate

	mu      sync.Mutex
	waiting []*logRecord
	wake    chan struct{}
	done    sync.WaitGroup
}

// A logRecord is one event to append. Its writer may use it again once it was answered.
type logRecord struct {
	aggregate string // at most 255 bytes
	expected  uint64
	id        engine.ID
	payload   []byte
	reply     chan error
}

func newLogRecord() *logRecord {
	// The committer sends, the writer receives, nobody closes. One answer for each append: room for it means that the
	// committer waits for no writer.
	return &logRecord{reply: make(chan error, 1)}
}

// size of the record in the file.
func (r *logRecord) size() int64 { return int64(logHeader + len(r.aggregate) + len(r.payload)) }

// encode appends the record to the bytes of its batch.
func (r *logRecord) encode(to []byte) []byte {
	at := len(to)
	to = binary.LittleEndian.AppendUint64(to, 0) // length and checksum, when they are known
	to = binary.LittleEndian.AppendUint64(to, r.expected+1)
	to = append(to, r.id[:]...)
	to = append(to, byte(len(r.aggregate)))
	to = append(to, r.aggregate...)
	to = append(to, r.payload...)
	binary.LittleEndian.PutUint32(to[at:], uint32(len(to)-at-8))
	binary.LittleEndian.PutUint32(to[at+4:], crc32.Checksum(to[at+8:], castagnoli))
	return to
}

// newPrefilledLog makes the file and fills it: it has room for so many bytes of records and no more.
func newPrefilledLog(path string, size int64) (*prefilledLog, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	zeros := make([]byte, 1<<20)
	for filled := int64(0); filled < size && err == nil; filled += int64(len(zeros)) {
		_, err = file.WriteAt(zeros[:min(int64(len(zeros)), size-filled)], filled)
	}
	if err = errors.Join(err, file.Sync()); err != nil {
		return nil, fmt.Errorf("bench: %w", errors.Join(err, file.Close()))
	}
	l := &prefilledLog{
		file: file, sync: syncData, left: size, versions: map[string]uint64{},
		// A writer that finds nobody waiting sends, the committer receives, close closes. One is enough: who is woken takes
		// all that wait.
		wake: make(chan struct{}, 1),
	}
	l.done.Go(l.commit)
	return l, nil
}

// submit hands a record to the committer, which answers on its reply once it is synced.
func (l *prefilledLog) submit(r *logRecord) {
	l.mu.Lock()
	l.waiting = append(l.waiting, r)
	first := len(l.waiting) == 1
	l.mu.Unlock()
	if first {
		l.wake <- struct{}{} // has room: the committer took the last wake before it took what waited
	}
}

// close ends the log. Every record must have been answered.
func (l *prefilledLog) close() error {
	close(l.wake)
	l.done.Wait()
	return l.file.Close()
}

func (l *prefilledLog) commit() {
	var batch, stored []*logRecord
	var buf []byte
	var failed error // a log that could not be synced takes nothing more
	offset := int64(0)
	for range l.wake {
		runtime.Gosched() // those who were answered just now may have more: it costs nothing when nobody has
		l.mu.Lock()
		batch, l.waiting = l.waiting, batch[:0]
		l.mu.Unlock()

		stored, buf = stored[:0], buf[:0]
		for _, r := range batch {
			if err := l.admit(r); err != nil {
				r.reply <- err
				continue
			}
			stored, buf = append(stored, r), r.encode(buf)
		}
		if failed == nil {
			_, failed = l.file.WriteAt(buf, offset)
		}
		if failed == nil {
			failed = l.sync(l.file)
		}
		offset += int64(len(buf))
		for _, r := range stored {
			r.reply <- failed
		}
	}
}

// admit checks the version that the record expects and that there is room for it.
func (l *prefilledLog) admit(r *logRecord) error {
	if l.versions[r.aggregate] != r.expected {
		return errLogConflict
	}
	if l.left < r.size() {
		return errLogFull
	}
	l.versions[r.aggregate]++
	l.left -= r.size()
	return nil
}
