package sources_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// feedAll lets a source hand over all of its n commands. One operation is one of them.
func feedAll(b *testing.B, n int, source *sources.Source) {
	b.Helper()
	got := 0
	b.ReportAllocs()
	b.ResetTimer()
	err := source.Feed(b.Context(), func(cmds []*engine.Command) error {
		got += len(cmds)
		return nil
	})
	b.StopTimer()
	require.NoError(b, err)
	require.Equal(b, n, got)
}

// drawAll reads n elements one by one.
func drawAll(b *testing.B, n int, out <-chan any) {
	b.Helper()
	for range n {
		if _, open := <-out; !open {
			b.Fatal("the source has ended early")
		}
	}
}

func BenchmarkSlice(b *testing.B) { feedAll(b, b.N, sources.Slice(numbered(b.N))) }

// BenchmarkSliceOut is the same source as a plain outlet: one element for each channel operation.
func BenchmarkSliceOut(b *testing.B) {
	source := sources.Slice(numbered(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	drawAll(b, b.N, source.Out())
	_, open := <-source.Out()
	require.False(b, open)
}

func BenchmarkSeq(b *testing.B) { feedAll(b, b.N, sources.Seq(slices.Values(numbered(b.N)))) }

// BenchmarkChan is a channel into which somebody sends one command after another.
func BenchmarkChan(b *testing.B) {
	for _, capacity := range []int{0, 256} {
		b.Run(fmt.Sprint("capacity=", capacity), func(b *testing.B) {
			cmds := numbered(b.N)
			ch := make(chan *engine.Command, capacity) // the goroutine below sends and closes, the source receives
			go func() {                                // ends with the last command
				defer close(ch)
				for _, cmd := range cmds {
					ch <- cmd
				}
			}()
			feedAll(b, b.N, sources.Chan(ch))
		})
	}
}

func BenchmarkJSONLines(b *testing.B) {
	cmd := engine.NewCommand("account-1", engine.Raw(`{"cents":5}`))
	cmd.Type = "account.credit"
	line, err := cmd.CloudEvent(nil)
	require.NoError(b, err)
	line = append(line, '\n')
	b.SetBytes(int64(len(line)))
	feedAll(b, b.N, sources.JSONLines(&repeated{line: line, left: b.N}))
}

// repeated reads as a line so many times.
type repeated struct {
	line []byte
	left int
	rest bytes.Reader
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest.Len() == 0 && r.left > 0 {
		n := min(r.left, 256)
		r.rest.Reset(bytes.Repeat(r.line, n))
		r.left -= n
	}
	return r.rest.Read(p)
}

// BenchmarkLog reads stored events. One operation is one event.
func BenchmarkLog(b *testing.B) {
	for _, way := range []struct {
		name string
		open func(engine.Store, engine.Position) *sources.EventSource
	}{{"follow", sources.Log}, {"to end", sources.LogToEnd}} {
		b.Run(way.name, func(b *testing.B) {
			store := memory.New()
			event := engine.Event{Message: engine.Message{ID: engine.NewID(), Type: "ticked", Subject: "a", Data: 1}}
			batch := []engine.Append{{Aggregate: "a", Expected: engine.Any, Events: []engine.Event{event}}}
			for range b.N {
				store.Append(b.Context(), batch)
			}
			ctx, stop := context.WithCancel(b.Context())
			defer stop()
			source := way.open(store, 0)
			b.ReportAllocs()
			b.ResetTimer()
			source.Start(ctx)
			drawAll(b, b.N, source.Out())
			b.StopTimer()
			stop()
			for range source.Out() {
				b.Fatal("one event too many")
			}
			require.NoError(b, source.Err())
		})
	}
}
