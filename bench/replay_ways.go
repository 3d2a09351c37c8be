package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// replay reads the whole log: events/s, and the growth of the heap meanwhile.
func (a *archive) replay(open func(context.Context) (engine.Store, error)) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (sample Sample, err error) {
		err = a.with(ctx, open, func(store engine.Store) error {
			heap, began, n, last := newHeapWatch(), time.Now(), 0, engine.Position(0)
			for e, err := range store.Read(ctx, 0) {
				if err != nil {
					return err
				}
				if e.Position <= last {
					return fmt.Errorf("bench: position %d follows position %d", e.Position, last)
				}
				last = e.Position
				if n++; n%(1<<16) == 0 {
					heap.look()
				}
			}
			sample = Sample{Value: float64(n) / time.Since(began).Seconds(), Columns: []float64{heap.grown()}}
			return a.all(n)
		})
		return sample, err
	}
}

// all makes sure that n events are all there are.
func (a *archive) all(n int) error {
	if n != a.events {
		return fmt.Errorf("bench: read %d events of %d", n, a.events)
	}
	return nil
}

// selects steps through the plain table and looks at each column: what SQLite allows. It has what the archive began with.
func (a *archive) selects(ctx context.Context) (sample Sample, err error) {
	conn, err := sqlite3.OpenFlags(a.plain, sqlite3.OPEN_READONLY)
	if err != nil {
		return Sample{}, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	query, _, err := conn.Prepare("SELECT * FROM events ORDER BY position")
	if err != nil {
		return Sample{}, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, query.Close()) }()
	heap, began, n := newHeapWatch(), time.Now(), 0
	for query.Step() {
		for _, column := range []int{0, 2, 6} {
			query.ColumnInt64(column)
		}
		for _, column := range []int{1, 3, 4, 5, 7, 8, 9} {
			query.ColumnRawBlob(column)
		}
		if n++; n%(1<<16) == 0 {
			heap.look()
		}
	}
	sample = Sample{Value: float64(n) / time.Since(began).Seconds(), Columns: []float64{heap.grown()}}
	return sample, errors.Join(query.Err(), ctx.Err(), a.all(n))
}

// loads loads a stream of n events so often: the median in ms, and the 99th percentile.
func (a *archive) loads(stream string, n, times int) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (sample Sample, err error) {
		err = a.with(ctx, a.open, func(store engine.Store) error {
			sample, err = loadTimes(ctx, store, stream, n, times)
			return err
		})
		return sample, err
	}
}

// loadsBeside is loads while a crew appends to the same store.
func (a *archive) loadsBeside(stream string, n, times int) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (sample Sample, err error) {
		err = a.with(ctx, a.open, func(store engine.Store) error {
			crew := a.start(ctx, store)
			sample, err = loadTimes(ctx, store, stream, n, times)
			_, stopErr := crew.stop()
			return errors.Join(err, stopErr)
		})
		return sample, err
	}
}

// loadTimes loads a stream again and again, and makes sure that it is whole each time.
func loadTimes(ctx context.Context, store engine.Store, stream string, n, times int) (Sample, error) {
	took := make([]time.Duration, times)
	for i := range took {
		began, version := time.Now(), engine.Version(0)
		for e, err := range store.Load(ctx, stream, 1) {
			if err != nil {
				return Sample{}, err
			}
			if version++; e.Version != version {
				return Sample{}, fmt.Errorf("bench: %s has version %d where %d belongs", stream, e.Version, version)
			}
		}
		if took[i] = time.Since(began); version != engine.Version(n) {
			return Sample{}, fmt.Errorf("bench: %s has %d events instead of %d", stream, version, n)
		}
	}
	slices.Sort(took)
	ms := func(percent int) float64 { return microseconds(took[times*percent/100]) / 1000 }
	return Sample{Value: ms(50), Columns: []float64{ms(99)}}, nil
}

// writes lets writers append while nobody reads.
func (a *archive) writes(each int) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (sample Sample, err error) {
		err = a.with(ctx, a.open, func(store engine.Store) error {
			load := a.crewLoad(each)
			sample, err = load.appends(ctx, store)
			sample.Columns = []float64{0}
			a.events += load.events()
			return err
		})
		return sample, err
	}
}

// follows reads the whole log and goes on with what a crew appends meanwhile, until it has caught up with what was there
// when it began; then the crew ends, and the reader must have read all of its events too. The sample is what the crew
// appended a second, and what the reader read.
func (a *archive) follows(ctx context.Context) (sample Sample, err error) {
	err = a.with(ctx, a.open, func(store engine.Store) error {
		stored := a.events
		began, n, last, end := time.Now(), 0, engine.Position(0), engine.Position(0)
		crew := a.start(ctx, store)
		defer crew.stop()
		for e, err := range engine.Follow(ctx, store, 0) {
			if err != nil {
				return err
			}
			if e.Position <= last {
				return fmt.Errorf("bench: position %d follows position %d", e.Position, last)
			}
			last = e.Position
			if n++; n == stored {
				sample.Columns = []float64{float64(n) / time.Since(began).Seconds()}
				if sample.Value, err = crew.stop(); err != nil {
					return err
				}
				if end, err = store.End(ctx); err != nil {
					return err
				}
			}
			if end > 0 && last >= end {
				return a.all(n)
			}
		}
		return ctx.Err() // nothing else ends it without an error
	})
	return sample, err
}
