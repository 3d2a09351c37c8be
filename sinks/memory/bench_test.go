package memory_test

import (
	"fmt"
	"testing"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// BenchmarkAppend appends batches of one event an append over 1000 aggregates, each with its own command id. One
// operation is one append.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			store := memory.New()
			batch := make([]engine.Append, size)
			events := make([]engine.Event, size)
			names := make([]string, 1000)
			for i := range names {
				names[i] = fmt.Sprintf("order-%d", i)
			}
			b.ReportAllocs()
			for n := 0; n < b.N; n += size {
				for i := range batch {
					name := names[(n+i)%len(names)]
					events[i].Message = engine.Message{ID: engine.ID{1}, Type: "bench.happened", Subject: name, Data: &batch}
					batch[i] = engine.Append{
						Aggregate: name, Expected: engine.Any, CommandID: engine.NewID(), Events: events[i : i+1],
					}
				}
				for _, result := range store.Append(b.Context(), batch) {
					if result.Err != nil {
						b.Fatal(result.Err)
					}
				}
			}
		})
	}
}

// BenchmarkParkedBehind is what a pipeline asks before each turn.
func BenchmarkParkedBehind(b *testing.B) {
	store := memory.New()
	for b.Loop() {
		if _, parked := store.ParkedBehind("order-17"); parked {
			b.Fatal("parked")
		}
	}
}
