package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// shuts is a store that shuts itself after a number of calls, as one does whose disk fails.
type shuts struct {
	*memory.Store
	after int
}

var errDisk = errors.New("the disk failed")

func (s *shuts) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	if s.after--; s.after >= 0 {
		return s.Store.Append(ctx, batch)
	}
	results := make([]engine.Result, len(batch))
	for i := range results {
		results[i].Err = fmt.Errorf("%w: %w", engine.ErrClosed, errDisk)
	}
	return results
}

// unending counts what is read of a source that does not end.
func unending(read *int) func(yield func(*engine.Command) bool) {
	return func(yield func(*engine.Command) bool) {
		for {
			*read++
			if !yield(engine.NewCommand(fmt.Sprint("a", *read%7), leave{})) {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// A store that is shut ends the run: what a source still has stays there, and is not turned into dead letters.
func TestShutStoreEndsTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := 0
		p, err := pipeline.New(exiting(), sinks.NewStore(&shuts{memory.New(), 100}), pipeline.Options{})
		require.NoError(t, err)
		report, err := p.Run(t.Context(), sources.Seq(unending(&read)))
		require.ErrorIs(t, err, errDisk)
		require.ErrorIs(t, err, engine.ErrClosed)
		require.Equal(t, 100, report.Accepted)
		require.Positive(t, report.DeadLettered)
		require.Less(t, report.DeadLettered, 10)
		require.ErrorIs(t, report.FirstDeadLetter, errDisk)
		require.Contains(t, report.String(), "first dead letter: ")
		require.Less(t, read, 120)
	})
}

// So does one that is shut before it can be asked for the state of an aggregate.
func TestShutStoreEndsTheReadingOfDeciders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := 0
		store := memory.New()
		b := newBelt(t, storeFuncs{store, store.Append}, pipeline.Options{}) // one that keeps no dead letters
		require.NoError(t, store.Close())
		report, err := b.Run(t.Context(), sources.Seq(func(yield func(*engine.Command) bool) {
			for yield(engine.NewCommand("a", put{Amounts: []int{1}})) && read < 1000 {
				read++
				time.Sleep(time.Millisecond)
			}
		}))
		require.ErrorIs(t, err, engine.ErrClosed)
		require.Positive(t, report.DeadLettered)
		require.Less(t, read, 20)
	})
}

// Dead letters that cannot be kept end the run too.
func TestDeadLettersThatCannotBeKeptEndTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := 0
		letters := sinks.Func(func(*engine.DeadLetter) error { return errDisk })
		p, err := pipeline.New(engine.NewRegistry(), sinks.NewStore(memory.New()), pipeline.Options{DeadLetters: letters})
		require.NoError(t, err)
		_, err = p.Run(t.Context(), sources.Seq(unending(&read)))
		require.ErrorIs(t, err, errDisk)
		require.Less(t, read, 20)
	})
}

// A context that is cancelled for a reason, as signal.NotifyContext gives one, ends the run without an error.
func TestCancelForAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := 0
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { // ends with the bubble
			time.Sleep(time.Second)
			cancel(errors.New("a signal"))
		}()
		p, err := pipeline.New(exiting(), sinks.NewStore(memory.New()), pipeline.Options{})
		require.NoError(t, err)
		report, err := p.Run(ctx, sources.Seq(unending(&read)))
		require.NoError(t, err)
		require.Equal(t, report.Commands, report.Accepted)
	})
}

// A source that is none, or panics, is the run's error, and other sources are read all the same.
func TestSourcesThatAreNone(t *testing.T) {
	p, err := pipeline.New(exiting(), sinks.NewStore(memory.New()), pipeline.Options{})
	require.NoError(t, err)
	report, err := p.Run(t.Context(), nil, panics{}, sources.Slice([]*engine.Command{engine.NewCommand("a", leave{})}))
	require.ErrorContains(t, err, "a source is nil")
	require.ErrorContains(t, err, "panic: no source")
	require.Equal(t, 1, report.Accepted)
}

type panics struct{}

func (panics) Out() <-chan any { panic("no source") }

// A payload that cannot be read is told, whatever else is stored under its id.
func TestUnreadablePayloadIsNoRepeat(t *testing.T) {
	good, bad := engine.NewCommand("a", engine.Raw(`{"Where":"x"}`)), engine.NewCommand("a", engine.Raw(`{"Wher":"x"}`))
	good.Type, bad.Type, bad.ID = "leave", "leave", good.ID
	p, err := pipeline.New(exiting(), sinks.NewStore(memory.New()), pipeline.Options{})
	require.NoError(t, err)
	report, err := p.Run(t.Context(), sources.Slice([]*engine.Command{bad, good}))
	require.NoError(t, err)
	require.Equal(t, 1, report.DeadLettered)
	require.Equal(t, 1, report.Accepted)
}
