package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// queueLength is how many Append calls may wait for the writer without being blocked in Append's first half.
const queueLength = 256

// pollInterval is how often a store that was opened read only looks for new events while somebody waits for them.
const pollInterval = 50 * time.Millisecond

// noContext is for work that no caller's context may interrupt.
var noContext = context.Background()

// Store is one open file. Make one with [Open]. All methods may be called from many goroutines at once.
type Store struct {
	path    string
	options Options
	lock    *fileLock // nil when read only
	readers *readers
	cache   *partCache // of the events that were loaded most recently
	tail    *tail
	writer  *writer // nil when read only

	// queue carries requests to the writer. Append sends, the writer receives, Close closes it after the last Append has
	// ended. Its capacity lets a burst of calls wait where the writer finds them at once.
	queue  chan *request
	ended  chan error    // the writer's goroutine sends its last error once, and Close receives it; capacity 1: it never blocks
	follow sync.Mutex    // held while a read-only store brings its tail up to date
	filled int64         // guarded by follow: the progress that the tail stands on
	seen   int64         // guarded by follow: the last position that the tail knows
	closes chan struct{} // closed by Close, received by Wait; nothing is sent, so it has no capacity

	mu     sync.Mutex // guards closed, and calls against it
	closed bool
	calls  sync.WaitGroup // calls that use connections or the queue
	once   sync.Once      // Close
}

var (
	_ engine.Store          = (*Store)(nil)
	_ engine.PayloadEncoder = (*Store)(nil)
	_ engine.Snapshotter    = (*Store)(nil)
)

// Open opens the file at path, and creates it with its directories when it is not there and may be written. It answers
// ErrLocked at once when the file has another writer. The context bounds opening only. The store must be closed.
//
// After a crash the events that were not in the index yet are read again, some ten thousands at most.
func Open(ctx context.Context, path string, options Options) (*Store, error) {
	if err := options.validate(path); err != nil {
		return nil, err
	}
	real, err := prepareFile(options.tuning.disk, path, options.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	s := &Store{path: real, options: options, tail: newTail(), cache: newPartCache()}
	s.closes = make(chan struct{}) // see the field
	s.readers = newReaders(options.Readers, s.openReader)
	if options.ReadOnly {
		err = s.openToRead(ctx)
	} else {
		err = s.openToWrite(ctx)
	}
	if err != nil {
		return nil, errors.Join(explain(ctx, "open "+real, err), s.readers.close(), s.lock.release())
	}
	return s, nil
}

// openToWrite takes the lock, opens the writer and starts its goroutine, which Close ends.
func (s *Store) openToWrite(ctx context.Context) (err error) {
	d := s.options.tuning.disk
	if s.lock, err = d.lock(s.path); err != nil {
		return err
	}
	if _, err := d.create(s.path + sharedSuffix); err != nil { // SQLite would make it with a mode of its own
		return err
	}
	left, err := checkLog(d, s.path)
	if err != nil {
		return err
	}
	c, err := connectWriter(ctx, s.path, &s.options)
	if err != nil {
		return err
	}
	if left {
		if err := c.emptyLog(d, s.path); err != nil {
			return errors.Join(err, c.close())
		}
	}
	if s.writer, err = newWriter(c, s.path, &s.options); err != nil {
		return err
	}
	s.tail = s.writer.tail
	s.queue = make(chan *request, queueLength) // see the field
	s.ended = make(chan error, 1)              // see the field
	go func() { s.ended <- s.writer.run(s.queue) }()
	return nil
}

// openToRead opens a first reader and reads what the index does not hold, so that errors show at once.
func (s *Store) openToRead(ctx context.Context) error {
	// Without the right to make them SQLite will say what is missing.
	_, _ = s.options.tuning.disk.create(s.path + sharedSuffix)
	if _, err := checkLog(s.options.tuning.disk, s.path); err != nil {
		return err
	}
	return s.refresh(ctx)
}

func (s *Store) openReader(ctx context.Context) (*reader, error) {
	r, err := s.openAnyReader(ctx)
	if s.options.ReadOnly && (errors.Is(err, sqlite3.READONLY) || errors.Is(err, sqlite3.CANTOPEN)) {
		// SQLite could be told that the file never changes (immutable=1). But a folder that we cannot write to may have
		// a writer all the same: another user, or the other side of a read-only mount.
		err = fmt.Errorf("even to read, SQLite must write %s%s and %s, to agree with a writer, and cannot: let this user "+
			"write to both and to their folder, or read a copy in another folder (with the file %s, if it is there): %w",
			filepath.Base(s.path), sharedSuffix, filepath.Base(s.path)+logSuffix, filepath.Base(s.path)+logSuffix, err)
	}
	return r, err
}

func (s *Store) openAnyReader(ctx context.Context) (*reader, error) {
	c, err := connectReader(ctx, s.path, &s.options)
	if err != nil {
		return nil, err
	}
	if s.options.ReadOnly {
		empty, err := checkFormat(c)
		if err == nil && empty {
			err = errors.New("the file holds no store yet: a writer must have opened it once")
		}
		if err == nil {
			err = checkHeader(s.options.tuning.disk, s.path)
		}
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	r, err := newReader(c)
	if err == nil {
		r.cache = s.cache
	}
	return r, err
}

// enter registers a call, unless the store is closed. Each enter that gives true needs a calls.Done.
func (s *Store) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.calls.Add(1)
	}
	return !s.closed
}

// Append stores a batch and answers one Result for each append, in the same sequence, after all of them are durable. It
// blocks until then. See [engine.Store]; a large batch may take several transactions.
//
// Besides engine's, results have these errors. ErrReadOnly, ErrPoisoned: nothing stored. Any other error of the disk
// before the commit: nothing stored.
func (s *Store) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	return s.appendInto(ctx, batch, make([]engine.Result, len(batch)))
}

// Reuse gives an Append that writes its results into an array that served before, which the caller sees to: as many empty
// results as there are appends. It comes with the store that it belongs to: what embeds a Store has this method too, and
// must not be passed over.
func (s *Store) Reuse() (engine.Store, func(context.Context, []engine.Append, []engine.Result) []engine.Result) {
	return s, s.appendInto
}

func (s *Store) appendInto(ctx context.Context, batch []engine.Append, results []engine.Result) []engine.Result {
	s.submit(ctx, results, func() *request {
		if len(batch) == 0 {
			return nil
		}
		return newRequest(ctx, batch, results, s.options.Codec)
	})
	return results
}

// submit hands what newRequest makes to the writer and blocks until every result stands. The store is looked at first;
// newRequest gives nil when nothing is left to do.
func (s *Store) submit(ctx context.Context, results []engine.Result, newRequest func() *request) {
	switch err := ctx.Err(); {
	case err != nil:
		fail(results, err)
		return
	case !s.enter():
		fail(results, engine.ErrClosed)
		return
	}
	defer s.calls.Done()
	if s.options.ReadOnly {
		fail(results, fmt.Errorf("%w: %s", ErrReadOnly, s.path))
		return
	}
	r := newRequest()
	if r == nil {
		return
	}
	select {
	case s.queue <- r:
		<-r.done
	case <-ctx.Done():
		fail(results, ctx.Err())
	}
}

// EncodePayloads replaces the payload of each event by Raw, with the codec of the options. An error stores nothing.
func (s *Store) EncodePayloads(events []engine.Event) error {
	return encode(events, s.options.Codec)
}

// Wait blocks until the log has an event after the position, the context is done, or the store is closed (ErrClosed).
func (s *Store) Wait(ctx context.Context, after engine.Position) error {
	if s.writer != nil {
		if !s.enter() {
			return engine.ErrClosed
		}
		s.calls.Done() // Close does not wait for those who wait: it wakes them
		return s.writer.feed.wait(ctx, s.closes, after)
	}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		last, err := s.End(ctx)
		if err != nil || last > after {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closes:
			return engine.ErrClosed
		}
	}
}

// Capabilities says that an acknowledged append survives power loss.
func (s *Store) Capabilities() engine.Capabilities {
	return engine.Capabilities{Name: "sqlite", Durable: true}
}

// Close waits for the calls that run, brings the file in order so that it stands alone, and lets the next writer in.
// Later calls answer ErrClosed; so do iterations that have begun, when they need their next page. Only the first Close
// can give an error; then everything acknowledged is still stored.
func (s *Store) Close() (err error) {
	s.once.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		close(s.closes)
		s.calls.Wait()
		errs := []error{s.readers.close()}
		if s.writer != nil {
			close(s.queue)
			errs = append(errs, <-s.ended)
		}
		err = errors.Join(append(errs, s.lock.release())...)
	})
	return err
}

// Load reads the stream of one aggregate from a version on, at least to its end when the iteration starts. It reads
// page by page and holds nothing while the caller handles an event.
func (s *Store) Load(ctx context.Context, aggregate string, from engine.Version) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		if err := s.load(ctx, aggregate, max(from, 1), yield); err != nil {
			yield(engine.Event{}, err)
		}
	}
}

// Read reads the whole log after a position, to its end. It reads page by page and holds nothing while the caller
// handles an event.
func (s *Store) Read(ctx context.Context, after engine.Position) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		if err := s.read(ctx, after, yield); err != nil {
			yield(engine.Event{}, err)
		}
	}
}
