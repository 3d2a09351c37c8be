package sqlite_test

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

const benchPayload = `{"order":"order-000017","amount":4200,"currency":"EUR","items":[{"sku":"A-1","n":2}]}`

func openBench(b *testing.B) *sqlite.Store {
	b.Helper()
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	return store
}

func benchAppend(n int) engine.Append {
	name, id := fmt.Sprintf("order-%06d", n%1000), engine.NewID()
	return engine.Append{Aggregate: name, Expected: engine.Any, CommandID: id, Events: []engine.Event{{
		Message: engine.Message{
			ID: engine.NewID(), Type: "order.created", Source: "bench", Subject: name, Time: time.Now().UTC(),
			Data: engine.Raw(benchPayload), CorrelationID: id, CausationID: id,
		},
	}}}
}

// BenchmarkAppend appends events over 1000 aggregates, one event an append. One operation is one durable append.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ callers, batch int }{{1, 1}, {64, 1}, {1024, 1}, {1, 64}, {1, 256}, {1, 1000}, {4, 1000}} {
		b.Run(fmt.Sprintf("callers=%d/batch=%d", c.callers, c.batch), func(b *testing.B) {
			appends(b, c.callers, c.batch, benchAppend)
		})
	}
	b.Run("one aggregate/callers=64", func(b *testing.B) {
		appends(b, 64, 1, func(int) engine.Append { return benchAppend(1) })
	})
	b.Run("ever new aggregates/batch=1000", func(b *testing.B) {
		appends(b, 1, 1000, func(n int) engine.Append {
			a := benchAppend(n)
			a.Aggregate = fmt.Sprintf("order-%09d", n)
			a.Events[0].Subject = a.Aggregate
			return a
		})
	})
	b.Run("random command ids/batch=1000", func(b *testing.B) {
		appends(b, 1, 1000, func(n int) engine.Append {
			a := benchAppend(n)
			binary.LittleEndian.PutUint64(a.CommandID[:], uint64(n)*0x9e3779b97f4a7c15)
			return a
		})
	})
	b.Run("no command ids/batch=1000", func(b *testing.B) {
		appends(b, 1, 1000, func(n int) engine.Append {
			a := benchAppend(n)
			a.CommandID = engine.ID{}
			return a
		})
	})
}

// appends lets so many callers append, each a batch at a time.
func appends(b *testing.B, callers, size int, next func(n int) engine.Append) {
	store := openBench(b)
	var count atomic.Int64
	b.SetParallelism(max(1, callers/2)) // of GOMAXPROCS, which is 2 where this was measured
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for more := pb.Next(); more; {
			batch := make([]engine.Append, 0, size)
			for more && len(batch) < size {
				batch = append(batch, next(int(count.Add(1))))
				more = pb.Next()
			}
			for _, result := range store.Append(b.Context(), batch) {
				if result.Err != nil {
					b.Error(result.Err)
					return
				}
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// BenchmarkRead reads the whole log, and BenchmarkLoad one stream. One operation is one event.
func BenchmarkRead(b *testing.B) {
	store := openBench(b)
	batch := make([]engine.Append, 20000)
	for i := range batch {
		batch[i] = benchAppend(i)
	}
	store.Append(b.Context(), batch)
	b.ReportAllocs()
	b.Run("log", func(b *testing.B) {
		for n := 0; n < b.N; {
			for _, err := range store.Read(b.Context(), 0) {
				if err != nil {
					b.Fatal(err)
				}
				if n++; n >= b.N {
					break
				}
			}
		}
	})
	b.Run("streams", func(b *testing.B) {
		for n, i := 0, 0; n < b.N; i++ {
			for _, err := range store.Load(b.Context(), fmt.Sprintf("order-%06d", i%1000), 1) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		}
	})
}
