package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// One operation of every benchmark here is one command, event or message. What they give goes to the sinks below, so that
// no call is left out.
var (
	benchCommand *engine.Command
	benchRoute   *engine.Route
	benchEvents  []any
	benchRaw     engine.Raw
	benchData    any
	benchSum     uint64
)

// benchRegistry has the purse and a handler beside its decider.
func benchRegistry(b *testing.B) *engine.Registry {
	b.Helper()
	r := engine.NewRegistry(purse{})
	engine.OnCommand(r, "purse.deposit", "audit", func(_ context.Context, _ *engine.Command, d deposit) ([]any, error) {
		return []any{deposited(d)}, nil
	})
	require.NoError(b, r.Seal())
	return r
}

func BenchmarkNewCommand(b *testing.B) {
	b.ReportAllocs()
	var data any = deposit{5}
	for b.Loop() {
		benchCommand = engine.NewCommand("purse-1", data)
	}
}

func BenchmarkRoute(b *testing.B) {
	registry := benchRegistry(b)
	for _, typ := range []string{"", "purse.deposit"} {
		name := "by=wire name"
		if typ == "" {
			name = "by=Go type"
		}
		b.Run(name, func(b *testing.B) {
			cmd := engine.NewCommand("purse-1", deposit{5})
			cmd.Type = typ
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if benchRoute, err = registry.Route(cmd); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHandlerCall(b *testing.B) {
	registry := benchRegistry(b)
	cmd := engine.NewCommand("purse-1", deposit{5})
	route, err := registry.Route(cmd)
	require.NoError(b, err)
	handler := route.Handlers[0]
	b.ReportAllocs()
	for b.Loop() {
		if benchEvents, err = handler.Call(b.Context(), cmd, cmd.Data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecideAndEvolve(b *testing.B) {
	registry := benchRegistry(b)
	cmd := engine.NewCommand("purse-1", deposit{5})
	route, err := registry.Route(cmd)
	require.NoError(b, err)
	aggregate := route.NewAggregate()
	b.ReportAllocs()
	for b.Loop() {
		if benchEvents, err = aggregate.Decide(b.Context(), route.Type, cmd, cmd.Data); err != nil {
			b.Fatal(err)
		}
		if err := aggregate.Evolve("purse.deposited", benchEvents[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEvents states what a command made, in an array that is there.
func BenchmarkEvents(b *testing.B) {
	registry := benchRegistry(b)
	for _, n := range []int{1, 6} {
		b.Run(fmt.Sprint("events=", n), func(b *testing.B) {
			cmd, now := engine.NewCommand("purse-1", deposit{5}), time.Now()
			payloads := make([]any, n)
			for i := range payloads {
				payloads[i] = deposited{i}
			}
			var events []engine.Event
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if events, err = registry.Events(events[:0], cmd, payloads, now); err != nil {
					b.Fatal(err)
				}
			}
			require.Len(b, events, n)
		})
	}
}

func BenchmarkCodec(b *testing.B) {
	registry := benchRegistry(b)
	message := engine.NewCommand("purse-1", deposit{5}).Message
	message.Type = "purse.deposit"
	encoded := message
	var err error
	encoded.Data, err = registry.Encode(&message)
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if benchRaw, err = registry.Encode(&message); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if benchData, err = registry.Decode(&encoded); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("digest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if benchSum, err = registry.Digest(message.Type, message.Data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCloudEvent(b *testing.B) {
	registry := benchRegistry(b)
	cmd := engine.NewCommand("purse-1", deposit{5})
	cmd.Type = "purse.deposit"
	line, err := cmd.CloudEvent(registry)
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := cmd.CloudEvent(registry); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		b.ReportAllocs()
		for b.Loop() {
			if benchCommand, err = engine.UnmarshalCloudCommand(line); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkFanOut(b *testing.B) {
	const calls = 5
	var called [calls]int
	b.ReportAllocs()
	for b.Loop() {
		engine.FanOut(calls, func(i int) { called[i]++ })
	}
	require.Equal(b, called[0], called[calls-1])
}

// BenchmarkBus publishes to five handlers that do nothing.
func BenchmarkBus(b *testing.B) {
	for _, name := range []string{"sync", "async"} {
		var bus engine.Bus = engine.NewSyncBus(engine.BusOptions{})
		if name == "async" {
			bus = engine.NewAsyncBus(engine.BusOptions{})
		}
		for i := range 5 {
			require.NoError(b, engine.Subscribe(bus, "purse.deposited", fmt.Sprint("h", i),
				func(context.Context, *engine.Message, deposited) error { return nil }))
		}
		b.Run(name+"/handlers=5", func(b *testing.B) {
			message := engine.NewCommand("purse-1", deposited{5}).Message
			message.Type = "purse.deposited"
			b.ReportAllocs()
			for b.Loop() {
				if err := bus.Publish(b.Context(), &message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
