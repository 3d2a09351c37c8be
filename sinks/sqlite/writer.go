package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Bounds of one transaction: what a crash can undo, and what one sync makes durable.
const (
	groupAppends = 4096
	groupBytes   = 8 << 20
)

// defaultTailEvents is how many events the tail may hold before the tables streams and commands are filled. The more there
// are, the more of them share a row and a page, and the longer the one transaction takes that writes them.
const defaultTailEvents = 16384

// writer owns the one connection that writes. One goroutine, in run, uses everything here but tail, feed and poisoned.
type writer struct {
	*reader // the writer's connection, and the queries that it shares with readers
	path    string
	tuning  tuning

	begin, commit, rollback *sqlite3.Stmt
	segments                segmentWriter
	insertMark              *sqlite3.Stmt
	insertOutcome           *binder
	findOutcome             *sqlite3.Stmt
	insertSnapshot          *binder
	forgetSnapshots         *sqlite3.Stmt
	kinds                   kindWriter
	letters                 letterWriter
	filler                  filler

	tail     *tail
	recent   map[engine.ID]engine.Position // commands whose events the table commands does not lead to yet
	entries  []entry                       // the same, in the sequence in which they came
	outcome  engine.ID                     // no id above it is in the table outcomes
	feed     *feed
	versions *versionCache
	tx       transaction
	oneByOne bool            // each append is inserted before the next one is decided
	next     engine.Position // of the next event
	filled   engine.Position // streams and commands are filled up to here
	log      *checkpointer
	poisoned atomic.Pointer[error]
}

// newWriter prepares the statements and reads where the log stands. It takes the connection over, and closes it on an
// error.
func newWriter(c *connection, path string, o *Options) (*writer, error) {
	r, err := newReader(c)
	if err != nil {
		return nil, err
	}
	w := &writer{
		reader: r, path: path, tuning: o.tuning, tail: newTail(), feed: &feed{}, versions: newVersionCache(),
		recent: make(map[engine.ID]engine.Position), log: newCheckpointer(c, path, o),
	}
	if err := errors.Join(w.prepareAll(), w.restore()); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if err := w.openLetters(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return w, nil
}

func (w *writer) prepareAll() error {
	var errs []error
	prepare := func(sql string) *sqlite3.Stmt {
		stmt, err := w.prepare(sql)
		errs = append(errs, err)
		return stmt
	}
	w.begin, w.commit, w.rollback = prepare("BEGIN IMMEDIATE"), prepare("COMMIT"), prepare("ROLLBACK")
	insertSegment, insertKind := prepare(insertSegmentSQL), prepare(insertKindSQL)
	insertOutcome, insertSnapshot := prepare(insertOutcomeSQL), prepare(insertSnapshotSQL)
	w.insertMark = prepare("INSERT INTO marks (aggregate, version, position) VALUES (?,?,?)")
	w.findOutcome = prepare("SELECT " + outcomeColumns + " FROM outcomes WHERE id = ?")
	w.kinds.find = prepare("SELECT id FROM kinds WHERE type = ? AND source = ? AND content_type = ? AND schema = ?")
	w.forgetSnapshots = prepare(forgetSnapshotsSQL)
	setHead := prepare(setHeadSQL)
	w.filler.setProgress = prepare("UPDATE progress SET position = ?")
	w.filler.commands = newCommandIndex(prepare)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	w.segments.insert, w.kinds.insert = &binder{stmt: insertSegment}, &binder{stmt: insertKind}
	w.insertOutcome = &binder{stmt: insertOutcome}
	w.insertSnapshot, w.filler.setHead = &binder{stmt: insertSnapshot}, &binder{stmt: setHead}
	return nil
}

// restore reads where the log ends and what the index does not hold yet.
func (w *writer) restore() error {
	last, err := w.one(w.last)
	if err != nil {
		return err
	}
	filled, err := w.one(w.progress)
	if err != nil {
		return err
	}
	if filled > last {
		return corrupt("the index goes to position %d, the log ends at %d", filled, last)
	}
	places, err := w.scanPlaces(engine.Position(filled))
	if err != nil {
		return err
	}
	w.next, w.filled = engine.Position(last)+1, engine.Position(filled)
	w.tail.add(places, len(places))
	for _, p := range places {
		if p.size > 0 {
			w.remember(p.command, p.position)
		}
	}
	if w.kinds.next, err = w.number("SELECT ifnull(max(id), 0) + 1 FROM kinds"); err != nil {
		return err
	}
	if err := errors.Join(w.filler.commands.restore(), w.restoreOutcome()); err != nil {
		return err
	}
	w.feed.publish(engine.Position(last))
	return nil
}

// run serves requests until the queue is closed and empty, and then brings the file in order. Requests that wait are
// served together, so that one sync makes all of them durable.
func (w *writer) run(queue <-chan *request) error {
	var group []*request
	for first := range queue {
		if len(first.appends) <= 1 { // a call with more has gathered already: it waits for nobody
			runtime.Gosched() // lets callers that were answered just now add what they have next: free when nobody has
		}
		group = gather(group[:0], first, queue)
		w.serve(group)
		clear(group) // what is done must not be kept from the garbage collector by an idle writer
		w.checkpoint()
	}
	return w.finish()
}

// gather adds the requests that wait already, until they fill a transaction.
func gather(group []*request, first *request, queue <-chan *request) []*request {
	group = append(group, first)
	for n := len(first.appends); n < groupAppends; {
		select {
		case next, open := <-queue:
			if !open {
				return group
			}
			group = append(group, next)
			n += len(next.appends)
		default:
			return group
		}
	}
	return group
}

// serve decides and stores the appends of a group in sequence, in as many transactions as their size demands, and tells
// each request when it is done. SQLite's memory can run out, which the driver reports by a panic: that poisons the
// store as a failed commit does, for what was written is not known.
func (w *writer) serve(group []*request) {
	defer func() {
		if value := recover(); value != nil {
			cause := &engine.PanicError{Value: value, Stack: debug.Stack()}
			w.poison(cause)
			// ErrPoisoned says that nothing was stored, which is not known here, so it must not be matched.
			w.tx.settle(fmt.Errorf("sqlite: %w: %w", engine.ErrUnknown, cause))
			for _, r := range group {
				r.end(*w.poisoned.Load())
			}
		}
	}()
	for _, r := range group {
		if err := r.ctx.Err(); err != nil {
			fail(r.results, err)
		}
		for i := range r.appends {
			if r.results[i].Err != nil {
				continue
			}
			if w.tx.full() {
				w.endTransaction()
			}
			t := task{append: &r.appends[i], result: &r.results[i]}
			if i > 0 && r.appends[i].Chained {
				t.before = &r.results[i-1]
			}
			w.add(t)
		}
		if r.snapshot != nil && r.results[0].Err == nil {
			w.add(task{snapshot: r.snapshot, result: &r.results[0]})
		}
		if r.change != nil && r.results[0].Err == nil {
			w.add(task{change: r.change, result: &r.results[0]})
		}
		w.tx.requests = append(w.tx.requests, r)
	}
	w.endTransaction()
}

// poison shuts the store for writing, for the first reason only.
func (w *writer) poison(cause error) {
	if w.tuning.neverPoisoned { // a bad store, which tests must catch
		return
	}
	err := fmt.Errorf("%w (%s): %w", ErrPoisoned, w.path, cause)
	w.poisoned.CompareAndSwap(nil, &err)
}

// checkpoint moves the write-ahead log into the file when it has become long, after the requests of the group were
// answered. A failed sync of the file poisons the store: the log still holds everything, but a disk that fails is not
// written to any more.
func (w *writer) checkpoint() {
	if w.poisoned.Load() != nil {
		return
	}
	if err := w.log.look(); err != nil {
		w.poison(err)
	}
}

// finish fills the index, so that stock tools find it whole, moves the whole log into the file and closes the
// connection. A poisoned store leaves the disk as it is: the next one that opens it finds out what is there.
func (w *writer) finish() error {
	var errs []error
	if err := w.log.close(); err != nil {
		w.poison(err)
		errs = append(errs, err)
	}
	if w.poisoned.Load() != nil {
		_, err := w.conn.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true)
		return errors.Join(append(errs, err, w.close())...)
	}
	if w.filled+1 < w.next {
		errs = append(errs, w.fillAlone())
	}
	_, _, err := w.conn.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	if err != nil && !errors.Is(err, sqlite3.BUSY) { // busy: a process that reads keeps the log; it stays valid
		errs = append(errs, err)
	}
	errs = append(errs, w.close())
	return explain(context.Background(), "close", errors.Join(errs...))
}

// remember keeps where a command ends until the table commands knows.
func (w *writer) remember(id engine.ID, position engine.Position) {
	w.recent[id] = position
	w.entries = append(w.entries, newEntry(id, position))
}

// restoreOutcome finds out which id is the last one of the table outcomes.
func (w *writer) restoreOutcome() error {
	q, _, err := w.conn.Prepare("SELECT max(id) FROM outcomes")
	if err != nil {
		return err
	}
	if q.Step() {
		copy(w.outcome[:], q.ColumnRawBlob(0))
	}
	return errors.Join(q.Err(), q.Close())
}

// fillIndex brings the tables streams and commands up to the last event, those of the open transaction included.
func (w *writer) fillIndex() error {
	all := newTail()
	maps.Copy(all.heads, w.tail.heads) // only this goroutine changes the tail
	all.add(w.tx.places, w.tx.events)
	return w.filler.fill(all.heads, w.entries, w.next-1)
}

// fillAlone fills the index in a transaction of its own.
func (w *writer) fillAlone() error {
	if err := w.begin.Exec(); err != nil {
		return err
	}
	if err := w.fillIndex(); err != nil {
		return errors.Join(err, w.rollback.Exec())
	}
	return w.commit.Exec()
}

// head gives the head of a stream as the open transaction makes it. The caller may change it, and must then keep it.
func (w *writer) head(aggregate string) (*head, error) {
	if h := w.versions.get(aggregate); h != nil {
		return h, nil
	}
	h, ok := w.tail.view(aggregate)
	if !ok {
		var err error
		if h, err = w.reader.head(aggregate); err != nil {
			return nil, err
		}
		if h.version > 0 {
			if _, err := w.eventAt(aggregate, h, new(engine.Event)); err != nil {
				return nil, err
			}
		}
	}
	if h.version > 0 { // an aggregate that only sees refused appends must not cost memory
		w.versions.put(aggregate, &h)
	}
	return &h, nil
}
