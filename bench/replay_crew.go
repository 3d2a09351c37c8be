package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// crewSize is how many writers a crew has.
const crewSize = 64

// A crew is writers that append to an archive as fast as they can until they are stopped.
type crew struct {
	archive *archive
	load    jotLoad
	began   time.Time
	ended   atomic.Bool
	writers sync.WaitGroup
	counts  []int // of each writer
	errs    []error
	once    sync.Once
	rate    float64
}

// crewLoad is the load of a new crew, on aggregates of its own.
func (a *archive) crewLoad(each int) jotLoad {
	a.rounds++
	load := newJotLoad(crewSize, crewSize*each, durableAggregates)
	for i, name := range load.aggregates {
		load.aggregates[i] = fmt.Sprintf("crew-%d-%s", a.rounds, name)
	}
	return load
}

// start lets a crew begin. It must be stopped.
func (a *archive) start(ctx context.Context, store engine.Store) *crew {
	c := &crew{
		archive: a, load: a.crewLoad(1), began: time.Now(), counts: make([]int, crewSize), errs: make([]error, crewSize),
	}
	for w := range crewSize {
		c.writers.Go(func() { c.counts[w], c.errs[w] = c.write(ctx, store, w) })
	}
	return c
}

// write is one writer. It gives how many events it appended.
func (c *crew) write(ctx context.Context, store engine.Store, writer int) (int, error) {
	for n := 0; ; n++ {
		if c.ended.Load() {
			return n, nil
		}
		if err := store.Append(ctx, []engine.Append{c.load.append(n*crewSize + writer)})[0].Err; err != nil {
			return n, err
		}
	}
}

// stop ends the crew and gives how many events it appended a second. What it appended counts as the archive's. Stopping
// it again gives the same.
func (c *crew) stop() (rate float64, err error) {
	c.once.Do(func() {
		c.ended.Store(true)
		c.writers.Wait()
		elapsed, appended := time.Since(c.began), 0
		for _, n := range c.counts {
			appended += n
		}
		c.archive.events += appended
		c.rate = float64(appended) / elapsed.Seconds()
	})
	return c.rate, errors.Join(c.errs...)
}
