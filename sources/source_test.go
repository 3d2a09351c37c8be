package sources_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sources"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// numbered makes n commands whose payload is their number.
func numbered(n int) []*engine.Command {
	commands := make([]*engine.Command, n)
	for i := range commands {
		commands[i] = &engine.Command{Message: engine.Message{Data: i}}
	}
	return commands
}

// filled gives a closed channel of the elements.
func filled[T any](elements ...T) <-chan T {
	ch := make(chan T, len(elements)) // filled and closed here, the source receives; room for all
	for _, e := range elements {
		ch <- e
	}
	close(ch)
	return ch
}

// pairs yields the elements without errors, and at last err if there is one.
func pairs[T any](err error, elements ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, e := range elements {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// each makes every kind of source that takes Go values.
func each[T any](elements ...T) map[string]func() *sources.Source {
	return map[string]func() *sources.Source{
		"chan":  func() *sources.Source { return sources.Chan(filled(elements...)) },
		"slice": func() *sources.Source { return sources.Slice(elements) },
		"seq":   func() *sources.Source { return sources.Seq(slices.Values(elements)) },
		"seq2":  func() *sources.Source { return sources.Seq2(pairs(nil, elements...)) },
	}
}

// fed feeds a source to its end and gives the commands.
func fed(t *testing.T, s engine.Feeder) (all []*engine.Command, err error) {
	t.Helper()
	err = s.Feed(t.Context(), func(batch []*engine.Command) error {
		require.NotEmpty(t, batch)
		require.LessOrEqual(t, len(batch), 256)
		all = append(all, batch...)
		return nil
	})
	return all, err
}

// streamed reads a stream to its end.
func streamed(out <-chan any) (all []any) {
	for e := range out {
		all = append(all, e)
	}
	return all
}

func TestEverySourceGivesEverythingInSequence(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 257, 2000} {
		want := numbered(n)
		for name, source := range each(want...) {
			got, err := fed(t, source())
			require.NoError(t, err)
			require.True(t, slices.Equal(want, got), "%s fed %d", name, n)

			s, i := source(), 0
			for e := range s.Out() {
				require.Same(t, want[i], e, "%s streamed %d", name, n)
				i++
			}
			require.Equal(t, n, i)
			require.NoError(t, s.Err())
		}
	}
}

func TestFeedMakesDefectsOfForeignElements(t *testing.T) {
	for name, source := range each[any](1, nil, "two", numbered(1)[0]) {
		got, err := fed(t, source())
		require.NoError(t, err, name)
		require.Len(t, got, 4)
		for i, c := range got[:3] {
			require.ErrorContains(t, c.Defect, "want a *engine.Command", "%s %d", name, i)
		}
		require.NoError(t, got[3].Defect)
	}
}

func TestConstructorsStartNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	broken := func(func(int) bool) { t.Error("the iterator was called") }
	for range 10 {
		s := sources.Seq(broken)
		s.Via(&doubler{})
		require.NoError(t, s.Err())
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}

func TestASourceIsUsedOnce(t *testing.T) {
	t.Run("fed, then streamed", func(t *testing.T) {
		s := sources.Slice(numbered(3))
		_, err := fed(t, s)
		require.NoError(t, err)
		require.NoError(t, s.Err(), "whoever feeds and then asks for Err must hear of no fault")
		_, err = fed(t, s)
		require.ErrorIs(t, err, sources.ErrUsed)
		require.Empty(t, streamed(s.Out()))
		require.ErrorIs(t, s.Err(), sources.ErrUsed)
	})
	t.Run("streamed, then fed", func(t *testing.T) {
		s := sources.Slice(numbered(3))
		out := s.Out()
		_, err := fed(t, s)
		require.ErrorIs(t, err, sources.ErrUsed)
		require.Len(t, streamed(out), 3)
		require.NoError(t, s.Err())
	})
}

func TestADoneContextTakesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ch := filled(numbered(5)...)
	for range 50 { // a select would sometimes pick the element
		require.NoError(t, sources.Chan(ch).Feed(ctx, func([]*engine.Command) error { return errors.New("called") }))
		s := sources.Chan(ch)
		s.Start(ctx)
		require.Empty(t, streamed(s.Out()))
	}
	require.Len(t, ch, 5)
}

func TestCancelEndsTheStreamWithoutError(t *testing.T) {
	for name, source := range each(numbered(5000)...) {
		ctx, cancel := context.WithCancel(t.Context())
		s := source()
		s.Start(ctx)
		out := s.Out()
		for range 10 {
			<-out
		}
		cancel()
		require.Less(t, len(streamed(out)), 10, name)
		require.NoError(t, s.Err())
	}
}

func TestFeedGivesTheErrorOfEmit(t *testing.T) {
	full := errors.New("full")
	for name, source := range each(numbered(5000)...) {
		calls := 0
		err := source().Feed(t.Context(), func([]*engine.Command) error { calls++; return full })
		require.Equal(t, full, err, name)
		require.Equal(t, 1, calls, name)

		ctx, cancel := context.WithCancel(t.Context())
		err = source().Feed(ctx, func([]*engine.Command) error { cancel(); return ctx.Err() })
		require.Equal(t, context.Canceled, err, "%s: what emit says is not ours to judge", name)
	}
}

func TestFeedEndsWithTheContext(t *testing.T) {
	for name, source := range each(numbered(5000)...) {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		require.NoError(t, source().Feed(ctx, func([]*engine.Command) error { calls++; cancel(); return nil }), name)
		require.Equal(t, 1, calls, name)
	}
}

func TestChanNeverWaitsWhileItHoldsElements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := make(chan *engine.Command, 1000) // the test sends and closes, Feed receives; room for all
		commands := numbered(300)
		var batches []int
		ended := make(chan error, 1) // the goroutine below sends once, the test receives
		go func() {
			ended <- sources.Chan(ch).Feed(t.Context(), func(b []*engine.Command) error {
				batches = append(batches, len(b))
				time.Sleep(time.Millisecond)
				return nil
			})
		}()
		synctest.Wait()
		ch <- commands[0]
		synctest.Wait() // handed over alone: nothing else was there
		for _, c := range commands[1:] {
			ch <- c
		}
		close(ch)
		require.NoError(t, <-ended)
		require.Equal(t, []int{1, 256, 43}, batches)
	})
}

func TestSeqHandsOverWhatItHasAndReadsAheadMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var yielded atomic.Int64
		s := sources.Seq(func(yield func(*engine.Command) bool) {
			for i, c := range numbered(2000) {
				if i == 3 {
					time.Sleep(time.Hour)
				}
				yielded.Add(1)
				if !yield(c) {
					return
				}
			}
		})
		start := time.Now()
		early, handed, most := 0, 0, 0
		require.NoError(t, s.Feed(t.Context(), func(b []*engine.Command) error {
			if time.Since(start) < time.Hour {
				early += len(b) // the first three come without waiting for the fourth
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			most = max(most, int(yielded.Load())-handed) // what was taken and not yet dealt with
			handed += len(b)
			return nil
		}))
		require.Equal(t, 3, early)
		require.Equal(t, 2000, handed)
		require.Equal(t, 2*256+1, most)
	})
}

func TestSeqTellsHowTheIteratorEnded(t *testing.T) {
	broken := errors.New("broken")
	three := numbered(3)
	tests := map[string]struct {
		source *sources.Source
		check  func(t *testing.T, err error)
	}{
		"error": {
			sources.Seq2(pairs(broken, three...)),
			func(t *testing.T, err error) { require.Equal(t, broken, err) },
		},
		"panic": {
			sources.Seq(func(yield func(*engine.Command) bool) { sendAll(yield, three); panic(broken) }),
			func(t *testing.T, err error) {
				var p *engine.PanicError
				require.ErrorAs(t, err, &p)
				require.ErrorIs(t, err, broken)
			},
		},
		"goroutine ended": {
			sources.Seq(func(yield func(*engine.Command) bool) { sendAll(yield, three); runtime.Goexit() }),
			func(t *testing.T, err error) { require.ErrorContains(t, err, "ended its goroutine") },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := fed(t, test.source)
			require.Len(t, got, 3, "what came before counts")
			test.check(t, err)
		})
	}
	s := sources.Seq2(pairs(broken, three...))
	require.Len(t, streamed(s.Out()), 3)
	require.Equal(t, broken, s.Err())
}

func sendAll[T any](yield func(T) bool, elements []T) {
	for _, e := range elements {
		if !yield(e) {
			return
		}
	}
}

func TestSeqThatYieldsTheContextsErrorWasCancelled(t *testing.T) {
	for _, cause := range []error{context.Canceled, errors.New("going home")} {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		s := sources.Seq2(func(yield func(*engine.Command, error) bool) {
			cancel(cause)
			yield(nil, context.Cause(ctx))
		})
		require.NoError(t, s.Feed(ctx, func([]*engine.Command) error { return nil }))
	}
}

func TestABlockedIteratorIsLeftAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		stopped := false
		s := sources.Seq(func(yield func(*engine.Command) bool) {
			time.Sleep(time.Hour)
			stopped = !yield(numbered(1)[0])
		})
		start := time.Now()
		require.NoError(t, s.Feed(ctx, func([]*engine.Command) error { return nil }))
		require.Equal(t, time.Second+100*time.Millisecond, time.Since(start))
		time.Sleep(time.Hour)
		synctest.Wait()
		require.True(t, stopped, "the goroutine ends as soon as the iterator yields")
	})
}
