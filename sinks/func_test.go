package sinks_test

import (
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reugn/go-streams"
	"github.com/reugn/go-streams/extension"
	"github.com/reugn/go-streams/flow"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pour sends the elements to the sink as a foreign stage would, and waits.
func pour(sink streams.Sink, elements ...any) {
	in := sink.In()
	for _, e := range elements {
		in <- e
	}
	close(in)
	sink.AwaitCompletion()
}

func TestFuncHandlesInSequence(t *testing.T) {
	var got []int
	sink := sinks.Func(func(n int) error {
		got = append(got, n)
		return nil
	})
	want := make([]int, 1000)
	elements := make([]any, len(want))
	for i := range want {
		want[i], elements[i] = i, i
	}
	pour(sink, elements...)
	require.NoError(t, sink.Err())
	require.Equal(t, want, got)
}

func TestFuncInAStockBelt(t *testing.T) {
	ch := make(chan any, 3) // the test sends and closes, the source receives; room for all
	ch <- 1
	ch <- 2
	ch <- 3
	close(ch)
	sum := 0
	sink := sinks.Func(func(n int) error { sum += n; return nil })
	extension.NewChanSource(ch).Via(flow.NewMap(func(n int) int { return n * 10 }, 1)).To(sink)
	require.Equal(t, 60, sum)
}

func TestFuncIsInertUntilIn(t *testing.T) {
	before := runtime.NumGoroutine()
	sink := sinks.Func(func(int) error { return nil })
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
	require.NoError(t, sink.Err())
}

func TestFuncIsWaitedForBeforeItStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handled := 0
		sink := sinks.Func(func(int) error { handled++; return nil })
		go func() {
			time.Sleep(time.Second)
			pour(sink, 1)
		}()
		sink.AwaitCompletion()
		require.Equal(t, 1, handled)
	})
}

func TestFuncAfterAnErrorDropsTheRest(t *testing.T) {
	broken := errors.New("broken")
	tests := map[string]struct {
		handle  func(int) error
		element any
		check   func(t *testing.T, err error)
	}{
		"error": {
			handle:  func(int) error { return broken },
			element: 1,
			check:   func(t *testing.T, err error) { require.Equal(t, broken, err) },
		},
		"panic": {
			handle:  func(int) error { panic(broken) },
			element: 1,
			check: func(t *testing.T, err error) {
				var p *engine.PanicError
				require.ErrorAs(t, err, &p)
				require.ErrorIs(t, err, broken)
				require.Contains(t, string(p.Stack), "func_test.go")
			},
		},
		"goroutine ended": {
			handle:  func(int) error { runtime.Goexit(); return nil },
			element: 1,
			check:   func(t *testing.T, err error) { require.ErrorContains(t, err, "ended its goroutine") },
		},
		"wrong type": {
			handle:  func(int) error { return nil },
			element: "one",
			check: func(t *testing.T, err error) {
				var p *engine.PayloadError
				require.ErrorAs(t, err, &p)
				require.EqualError(t, err, "engine: want a int, got a string")
			},
		},
		"nil": {
			handle:  func(int) error { return nil },
			element: nil,
			check:   func(t *testing.T, err error) { require.EqualError(t, err, "engine: want a int, got a <nil>") },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			calls := 0
			sink := sinks.Func(func(n int) error {
				calls++
				if calls == 2 {
					return test.handle(n)
				}
				return nil
			})
			elements := []any{0, test.element}
			for range 500 { // far more than the inlet holds: the sink must go on receiving
				elements = append(elements, 2, "x", nil)
			}
			pour(sink, elements...)
			test.check(t, sink.Err())
			require.LessOrEqual(t, calls, 2)
		})
	}
}
