package middleware_test

import (
	"context"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
)

func TestLog(t *testing.T) {
	for name, c := range map[string]struct {
		do    handle
		slow  time.Duration
		level zapcore.Level
		says  string
		err   string
	}{
		"succeeds":             {do: ignore(time.Second - 1), level: zapcore.DebugLevel, says: "handled"},
		"is slow":              {do: ignore(time.Second), level: zapcore.WarnLevel, says: "handler was slow"},
		"is slower than asked": {do: ignore(time.Minute), slow: time.Minute, level: zapcore.WarnLevel, says: "handler was slow"},
		"is never slow":        {do: ignore(time.Hour), slow: -1, level: zapcore.DebugLevel, says: "handled"},
		"fails":                {do: lateWith(time.Minute, io.EOF), level: zapcore.WarnLevel, says: "handler failed", err: "EOF"},
		"is refused":           {do: lateWith(time.Minute, engine.Reject("no")), level: zapcore.DebugLevel, says: "rejected", err: "rejected: no"},
		"panics": {
			do: func(context.Context) error { panic("boom") }, level: zapcore.WarnLevel, says: "handler failed",
			err: "middleware: the handler panicked or ended its goroutine",
		},
		"exits": {
			do: func(context.Context) error { runtime.Goexit(); return nil }, level: zapcore.WarnLevel, says: "handler failed",
			err: "middleware: the handler panicked or ended its goroutine",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				core, lines := observer.New(zapcore.DebugLevel)
				th := newThermometer(t, one(middleware.Log(zap.New(core), middleware.LogOptions{Slow: c.slow})), c.do)
				cmd := engine.NewCommand("sensor-1", measure{Celsius: 7})
				began := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { _ = th.handle(t.Context(), 0, cmd) })
				wg.Wait()
				require.Equal(t, 1, lines.Len())
				line := lines.All()[0]
				require.Equal(t, c.level, line.Level)
				require.Equal(t, c.says, line.Message, "the same for every message: no id, no payload")
				want := map[string]any{
					"type": "sensor.measure", "handler": "0", "id": cmd.ID.String(), "aggregate": "sensor-1", "took": time.Since(began),
				}
				if c.err != "" {
					want["error"] = c.err
				}
				require.Equal(t, want, line.ContextMap())
			})
		})
	}
}

// A logger above debug level has no line for a message that was handled.
func TestLogIsQuiet(t *testing.T) {
	core, lines := observer.New(zapcore.InfoLevel)
	th := newThermometer(t, one(middleware.Log(zap.New(core), middleware.LogOptions{})), func(context.Context) error { return nil })
	for range 10 {
		require.NoError(t, th.call(t.Context(), 0))
	}
	require.Zero(t, lines.Len())
}
