package sqlite

import (
	"context"
	"runtime"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// aheadReaders is how many goroutines read for one iteration at the same time. They take turns at parts of pageEvents
// events.
const aheadReaders = 2

// span is a part of the log, by position, or of a stream, by version: what stands behind a number, up to another. Neither
// has a gap.
type span struct{ after, end uint64 }

// fetch reads the first events of a span, at least one and at most a page, into the array of a page that is done with, if
// it likes. It is used by one goroutine.
type fetch func(ctx context.Context, of span, used []engine.Event) ([]engine.Event, error)

// readPage is a page on its way from a reader to whoever handles it: decoded events, and what is wrong behind them.
type readPage struct {
	events []engine.Event
	err    error
}

// readAll yields a span. No connection is held while the caller handles an event.
func (s *Store) readAll(ctx context.Context, all span, newFetch func() fetch, yield yielder) error {
	if all.after+pageEvents < all.end {
		return s.readAhead(ctx, all, newFetch, yield)
	}
	read, events := newFetch(), []engine.Event(nil)
	for all.after < all.end {
		var err error
		if events, err = read(ctx, all, events); err != nil {
			return err
		}
		if err := s.yieldPage(ctx, events, yield); err != nil {
			return err
		}
		all.after += uint64(len(events))
	}
	return nil
}

// readAhead yields a span, and reads and decodes what comes next while the caller handles what came before.
func (s *Store) readAhead(ctx context.Context, all span, newFetch func() fetch, yield yielder) error {
	ahead, stop := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer stop()
	var lines [aheadReaders]chan readPage
	for i := range lines {
		// One reader sends and closes, this function receives. One page waits while another is handled and a third is read.
		line := make(chan readPage, 1)
		lines[i] = line
		readers.Go(func() {
			defer close(line)
			s.readParts(ahead, all, uint64(i), newFetch(), line)
		})
	}
	for at := all.after; at < all.end; {
		next, open := <-lines[partOf(at)%aheadReaders]
		if !open {
			return ctx.Err() // nothing else ends a reader early
		}
		for i := range next.events {
			giveWay(i)
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(next.events[i], nil) {
				return errBroken
			}
		}
		if next.err != nil {
			return next.err
		}
		at += uint64(len(next.events))
	}
	return nil
}

// giveWay lets other goroutines run now and then. A reader that catches up only computes, and Go would let it do so for
// 10 ms at a time: a writer, which hands over to another goroutine several times for each commit, would get nowhere.
func giveWay(i int) {
	if i%32 == 31 {
		runtime.Gosched()
	}
}

// partOf numbers the parts. They end where streams have their marks.
func partOf(after uint64) uint64 { return after / pageEvents }

// readParts sends one reader's parts of a span, page by page, until the context ends or after an error.
func (s *Store) readParts(ctx context.Context, all span, reader uint64, read fetch, to chan<- readPage) {
	var arrays [3][]engine.Event // see the line
	for turn, at := 0, all.after; at < all.end; turn = (turn + 1) % len(arrays) {
		end := min((partOf(at)+1)*pageEvents, all.end)
		if partOf(at)%aheadReaders != reader {
			at = end
			continue
		}
		events, err := read(ctx, span{at, end}, arrays[turn])
		arrays[turn] = events
		at += uint64(len(events))
		for i := range events {
			giveWay(i)
			if err = s.decode(&events[i]); err != nil {
				events = events[:i]
				break
			}
		}
		select {
		case to <- readPage{events, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
