package sinks_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// body is what a payload holds, large enough to have a place of its own in memory.
type body struct{ _ [256]byte }

// oblivious is a store that keeps nothing.
type oblivious struct {
	engine.Store
	instant bool
}

func (o oblivious) Capabilities() engine.Capabilities { return engine.Capabilities{Instant: o.instant} }

func (o oblivious) Append(_ context.Context, batch []engine.Append) []engine.Result {
	return make([]engine.Result, len(batch))
}

// recordBodies records batches of one event with a body each, all in one call, and waits until they are settled.
//
//go:noinline
func recordBodies(sink *sinks.Store, n int) (bodies []weak.Pointer[body]) {
	var settled sync.WaitGroup
	settled.Add(n)
	var batches []*engine.Batch
	for range n {
		payload := new(body)
		bodies = append(bodies, weak.Make(payload))
		batches = append(batches, &engine.Batch{
			Appends: []engine.Append{{Aggregate: "a", Events: []engine.Event{{Message: engine.Message{Data: payload}}}}},
			Settle:  func([]engine.Result) { settled.Done() },
		})
	}
	sink.Record(batches...)
	settled.Wait()
	return bodies
}

// A sink that is idle holds nothing of what is settled: it may be idle for days.
func TestStoreKeepsNoBatch(t *testing.T) {
	for name, instant := range map[string]bool{"instant": true, "gathered": false} {
		t.Run(name, func(t *testing.T) {
			sink := sinks.NewStore(oblivious{memory.New(), instant})
			ended := make(chan error, 1) // the goroutine sends once, the end receives
			go func() { ended <- sink.Run(t.Context()) }()
			bodies := recordBodies(sink, 10)
			left := len(bodies)
			for range 10 { // what rests in a pool needs two rounds
				runtime.GC()
				if left = alive(bodies); left == 0 {
					break
				}
			}
			sink.Close()
			require.NoError(t, <-ended)
			require.Zero(t, left)
		})
	}
}

func alive(bodies []weak.Pointer[body]) (n int) {
	for _, b := range bodies {
		if b.Value() != nil {
			n++
		}
	}
	return n
}
