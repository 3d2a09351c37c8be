package storetest

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Concurrency says how Linearizable and LongHistory use a store. The zero value works.
type Concurrency struct {
	Clients    int    // that call the store at once, each from a goroutine of its own. Zero means 8.
	Aggregates int    // that they share. Zero means one for every 100 operations.
	Operations int    // appends and loads of one history. Zero means as many as the environment says; see each check.
	Seed       uint64 // of what the clients do; when, is up to the scheduler. Zero means ORCHESTRIX_SEED, or a new one.
}

// filled is c with the zero values replaced.
func (c Concurrency) filled(operations int) Concurrency {
	if c.Clients == 0 {
		c.Clients = 8
	}
	if c.Operations == 0 {
		c.Operations = operations
	}
	if c.Aggregates == 0 {
		c.Aggregates = c.Operations/100 + 1
	}
	c.Seed = chosenSeed(c.Seed)
	return c
}

// keeping is a test whose artifacts stay: without -artifacts the folder that testing gives is removed with the test.
type keeping struct{ *testing.T }

func (k keeping) ArtifactDir() string {
	if f := flag.Lookup("test.artifacts"); f != nil && f.Value.String() == "true" {
		return k.T.ArtifactDir()
	}
	dir, err := os.MkdirTemp("", "orchestrix-")
	if err != nil {
		k.Fatalf("no folder for artifacts: %v", err)
	}
	return dir
}

// client is one of those who use a store at once.
type client struct {
	shared *shared
	number int
	random *rand.Rand
	made   uint64 // ids
}

// shared is what the clients of one history know together.
type shared struct {
	Concurrency
	store  engine.Store
	ctx    context.Context
	start  time.Time
	acked  []atomic.Uint64 // by aggregate: the highest version that an answer told of
	failed atomic.Pointer[string]
}

// run lets all clients do their share at once, waits for them, and reports what one of them could not go on with.
func (s *shared) run(t reporter, do func(c *client, operations int)) {
	t.Helper()
	s.start, s.acked = time.Now(), make([]atomic.Uint64, s.Aggregates)
	var running sync.WaitGroup
	for i := range s.Clients {
		c := &client{shared: s, number: i, random: rand.New(rand.NewPCG(s.Seed, uint64(i)))}
		running.Go(func() { do(c, s.Operations/s.Clients) })
	}
	running.Wait()
	if why := s.failed.Load(); why != nil {
		t.Fatalf("%s", *why)
	}
}

// fail ends the history: only the first reason is kept.
func (s *shared) fail(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	s.failed.CompareAndSwap(nil, &why)
}

// ack notes that an aggregate has reached a version.
func (s *shared) ack(aggregate int, version engine.Version) {
	for {
		known := s.acked[aggregate].Load()
		if uint64(version) <= known || s.acked[aggregate].CompareAndSwap(known, uint64(version)) {
			return
		}
	}
}

// id makes an id that tells by whom, and in which sequence, it was made.
func (c *client) id() engine.ID {
	c.made++
	var id engine.ID
	id[0] = 1
	binary.BigEndian.PutUint64(id[8:], uint64(c.number+1)<<40|c.made)
	return id
}

// keyOf is the number in an id that a client made.
func keyOf(id engine.ID) uint64 { return binary.BigEndian.Uint64(id[8:]) }

func nameOf(aggregate int) string { return fmt.Sprint("aggregate-", aggregate) }

// fresh makes an append of up to most events, whose expectation is right unless another client was faster.
func (c *client) fresh(aggregate, most int) engine.Append {
	a := engine.Append{
		Aggregate: nameOf(aggregate), CommandID: c.id(), Digest: uint64(c.random.IntN(3)),
		Expected: engine.Exactly(engine.Version(c.shared.acked[aggregate].Load())),
	}
	switch c.random.IntN(20) {
	case 0:
		a.Expected = engine.NoStream
	case 1:
		a.Rejection = "at random"
		return a
	case 2, 3, 4, 5, 6:
		a.Expected = engine.Any
	}
	a.Events = make([]engine.Event, 1+c.random.IntN(most))
	for i := range a.Events {
		a.Events[i].Message = engine.Message{
			ID: c.id(), Type: "test.happened", Subject: a.Aggregate, Data: engine.Raw("{}"),
		}
	}
	return a
}
