package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
	"github.com/orchestrix-go/orchestrix/sources"
)

// openStore opens the store that is measured.
type openStore func(ctx context.Context, path string) (engine.Store, error)

func openSQLite(ctx context.Context, path string) (engine.Store, error) {
	return sqlite.Open(ctx, path, sqlite.Options{Codec: newJots()})
}

// inFolder runs work in a new folder, which is removed afterwards.
func inFolder(work func(folder string) error) error {
	folder, err := os.MkdirTemp("", "orchestrix-bench-")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return errors.Join(work(folder), os.RemoveAll(folder))
}

// prefilled appends the load to a prefilled log of its own.
func (l jotLoad) prefilled(ctx context.Context) (sample Sample, err error) {
	payload := fmt.Appendf(nil, `{"n":%6d,"text":%q}`, l.events(), jotText)
	records := make([]*logRecord, l.writers)
	for w := range records {
		records[w] = newLogRecord()
		records[w].payload = payload
	}
	err = inFolder(func(folder string) error {
		size := int64(logHeader + len(l.aggregates[len(l.aggregates)-1]) + len(payload))
		log, err := newPrefilledLog(filepath.Join(folder, "prefilled.log"), size*int64(l.events()))
		if err != nil {
			return err
		}
		sample, err = l.run(func(w, i int) error {
			r := records[w]
			r.aggregate, r.expected, r.id = l.aggregate(i), uint64(l.expected(i)), engine.NewID()
			log.submit(r)
			return errors.Join(<-r.reply, ctx.Err())
		})
		return errors.Join(err, log.close())
	})
	return sample, err
}

// stored makes a way of what appends the load to a store: in a new file, which is closed, opened again and verified.
func (l jotLoad) stored(
	open openStore, use func(context.Context, engine.Store) (Sample, error),
) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (sample Sample, err error) {
		err = inFolder(func(folder string) error {
			path := filepath.Join(folder, "bench.db")
			store, err := open(ctx, path)
			if err != nil {
				return err
			}
			if err = l.warmUp(ctx, store); err == nil {
				sample, err = use(ctx, store)
			}
			if err = errors.Join(err, store.Close()); err != nil {
				return err
			}
			if store, err = open(ctx, path); err != nil {
				return err
			}
			return errors.Join(l.verify(ctx, store), store.Close())
		})
		return sample, err
	}
}

// warmUpAggregate gets the events that are there before the load.
const warmUpAggregate = "warm-up"

// warmUp appends events until the store is as one that has been in use for a while: SQLite's log has its full length, as
// the prefilled log has from the beginning, and a sync need not make a file longer.
func (l jotLoad) warmUp(ctx context.Context, store engine.Store) error {
	warm := newJotLoad(1, 1000, 1)
	warm.aggregates[0] = warmUpAggregate
	for from := 0; from < l.before; from += warm.each {
		batch := make([]engine.Append, warm.each)
		for i := range batch {
			batch[i] = warm.append(from + i)
		}
		for _, result := range store.Append(ctx, batch) {
			if result.Err != nil {
				return result.Err
			}
		}
	}
	return nil
}

// appends calls the store itself.
func (l jotLoad) appends(ctx context.Context, store engine.Store) (Sample, error) {
	return l.run(func(_, i int) error {
		return store.Append(ctx, []engine.Append{l.append(i)})[0].Err
	})
}

// does calls Do of a pipeline.
func (l jotLoad) does(ctx context.Context, store engine.Store) (sample Sample, err error) {
	err = running(ctx, store, func(ctx context.Context, p *pipeline.Pipeline) error {
		sample, err = l.run(func(_, i int) error {
			_, err := p.Do(ctx, l.command(i))
			return err
		})
		return err
	})
	return sample, err
}

// running runs a pipeline while work uses it, and lets it end.
func running(ctx context.Context, store engine.Store, work func(context.Context, *pipeline.Pipeline) error) error {
	p, err := pipeline.New(newJots(), sinks.NewStore(store), pipeline.Options{})
	if err != nil {
		return err
	}
	_, err = whileRunning(ctx, p, func(ctx context.Context) error { return work(ctx, p) })
	return err
}

// sends keeps so many commands of each writer on their way through a pipeline.
func (l jotLoad) sends(outstanding int) func(context.Context, engine.Store) (Sample, error) {
	return func(ctx context.Context, store engine.Store) (sample Sample, err error) {
		type sent struct {
			receipt *pipeline.Receipt
			at      time.Time
		}
		took := make([]time.Duration, l.events())
		errs := make([]error, l.writers)
		err = running(ctx, store, func(ctx context.Context, p *pipeline.Pipeline) error {
			var writers sync.WaitGroup
			began := time.Now()
			for w := range l.writers {
				writers.Go(func() {
					ring := make([]sent, outstanding)
					for n := 0; n < l.each+outstanding && errs[w] == nil; n++ {
						slot := &ring[n%outstanding]
						if before := n - outstanding; before >= 0 {
							_, errs[w] = slot.receipt.Wait(ctx)
							took[w*l.each+before] = time.Since(slot.at)
						}
						if n < l.each && errs[w] == nil {
							slot.at = time.Now()
							slot.receipt, errs[w] = p.Send(ctx, l.command(n*l.writers+w))
						}
					}
				})
			}
			writers.Wait()
			sample = l.sample(time.Since(began), took)
			return errors.Join(errs...)
		})
		return sample, err
	}
}

// reads runs a pipeline over a source of all commands, as one that reads a file does. The latency is the pipeline's own.
func (l jotLoad) reads(ctx context.Context, store engine.Store) (Sample, error) {
	cmds := make([]*engine.Command, l.events())
	for i := range cmds {
		cmds[i] = l.command(i)
	}
	p, err := pipeline.New(newJots(), sinks.NewStore(store), pipeline.Options{})
	if err != nil {
		return Sample{}, err
	}
	began := time.Now()
	report, err := p.Run(ctx, sources.Slice(cmds))
	return Sample{
		Value:   float64(len(cmds)) / time.Since(began).Seconds(),
		Columns: []float64{microseconds(report.Latency.P50), microseconds(report.Latency.P99)},
	}, err
}
