package sinks_test

import (
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/reugn/go-streams"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// gathered is a memory store whose appends are gathered by the sink, as those of a store that waits for a disk.
type gathered struct{ engine.Store }

func (g gathered) Capabilities() engine.Capabilities {
	c := g.Store.Capabilities()
	c.Instant = false
	return c
}

// benchBatches makes batches of some appends each, n appends in all, of one event each.
func benchBatches(n, size int, settled *sync.WaitGroup) []*engine.Batch {
	var batches []*engine.Batch
	for n > 0 {
		b := &engine.Batch{Settle: func([]engine.Result) { settled.Done() }}
		aggregate := fmt.Sprint("account-", len(batches)%1000)
		for range min(n, size) {
			b.Appends = append(b.Appends, engine.Append{Aggregate: aggregate, Expected: engine.Any, CommandID: engine.NewID(), Events: []engine.Event{
				{Message: engine.Message{ID: engine.NewID(), Type: "ticked", Subject: aggregate, Data: 1}},
			}})
		}
		n -= len(b.Appends)
		batches = append(batches, b)
	}
	settled.Add(len(batches))
	return batches
}

// BenchmarkStore records batches in rows, as a pipeline does, until all are settled. One operation is one append.
func BenchmarkStore(b *testing.B) {
	for _, size := range []int{1, 256} {
		for _, row := range []int{1, 64} {
			for _, name := range []string{"instant", "gathered"} {
				b.Run(fmt.Sprintf("%s/batch=%d/row=%d", name, size, row), func(b *testing.B) {
					var store engine.Store = memory.New()
					if name == "gathered" {
						store = gathered{store}
					}
					var settled sync.WaitGroup
					sink := sinks.NewStore(store)
					ended := make(chan error, 1) // the goroutine sends once, the end receives
					go func() { ended <- sink.Run(b.Context()) }()
					sink.Record(benchBatches(1, 1, &settled)...)
					settled.Wait() // Run has begun
					batches := benchBatches(b.N, size, &settled)
					b.ReportAllocs()
					b.ResetTimer()
					for len(batches) > 0 {
						n := min(row, len(batches))
						sink.Record(batches[:n]...)
						batches = batches[n:]
					}
					settled.Wait()
					b.StopTimer()
					sink.Close()
					require.NoError(b, <-ended)
				})
			}
		}
	}
}

// pourEach sends b.N times an element into a sink. One operation is one element.
func pourEach(b *testing.B, sink streams.Sink, element any) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	in := sink.In()
	for range b.N {
		in <- element
	}
	close(in)
	sink.AwaitCompletion()
	b.StopTimer()
}

func BenchmarkFunc(b *testing.B) {
	n := 0
	sink := sinks.Func(func(*engine.Event) error { n++; return nil })
	pourEach(b, sink, &engine.Event{Message: someMessage(nil)})
	require.NoError(b, sink.Err())
	require.Equal(b, b.N, n)
}

func BenchmarkJSONLines(b *testing.B) {
	message := someMessage(engine.Raw(`{"cents":5}`))
	for _, of := range []struct {
		name    string
		element any
	}{
		{"event", &engine.Event{Message: message, Version: 3, Position: 9}},
		{"command", &engine.Command{Message: message}},
		{"dead letter", &engine.DeadLetter{Command: &engine.Command{Message: message}, Err: io.EOF}},
	} {
		b.Run(of.name, func(b *testing.B) {
			sink := sinks.JSONLines(io.Discard, nil)
			pourEach(b, sink, of.element)
			require.NoError(b, sink.Err())
		})
	}
}

// BenchmarkTail brings the log to sinks behind the store while it is appended to. One operation is one event, for all of
// the sinks.
func BenchmarkTail(b *testing.B) {
	for _, followers := range []int{1, 3} {
		b.Run(fmt.Sprint("sinks=", followers), func(b *testing.B) {
			var settled sync.WaitGroup
			batches := benchBatches(b.N, 256, &settled)
			sink, got := sinks.NewStore(memory.New()), make([]int, followers)
			for i := range got {
				sink.Then(sinks.Func(func(*engine.Event) error { got[i]++; return nil }))
			}
			sink.Record(batches...)
			sink.Close()
			b.ReportAllocs()
			b.ResetTimer()
			err := sink.Run(b.Context()) // appends all, and returns when the sinks behind have all
			b.StopTimer()
			require.NoError(b, err)
			settled.Wait()
			for _, n := range got {
				require.Equal(b, b.N, n)
			}
		})
	}
}
