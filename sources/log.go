package sources

import (
	"context"
	"iter"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

var (
	_ streams.Source = (*EventSource)(nil)
	_ engine.Starter = (*EventSource)(nil)
)

// An EventSource is where stored events come from, as *engine.Event. It is a streams.Source, but not a source of commands.
// It is used once. To go on later, remember the Position of the last event that was dealt with.
type EventSource struct{ outlet }

// Log is the source of every event after a position, in log sequence, none skipped: first what is stored, then what is
// appended, as it is appended. It ends with the context, or with the store's error, which is engine.ErrClosed when the
// store was closed. Position 0 is the beginning.
//
// The log is the buffer: a slow reader holds up no writer.
func Log(store engine.Store, after engine.Position) *EventSource {
	return newEventSource(func(ctx context.Context) iter.Seq2[engine.Event, error] {
		return engine.Follow(ctx, store, after)
	})
}

// LogToEnd is Log that ends with the last event that was stored when it was started.
func LogToEnd(store engine.Store, after engine.Position) *EventSource {
	return newEventSource(func(ctx context.Context) iter.Seq2[engine.Event, error] {
		return store.Read(ctx, after)
	})
}

func newEventSource(read func(context.Context) iter.Seq2[engine.Event, error]) *EventSource {
	s := &EventSource{}
	s.init(func(ctx context.Context, _ int, emit func([]any) error) error {
		batch := make([]any, 1)
		for event, err := range read(ctx) {
			if err != nil {
				return err
			}
			batch[0] = &event // a new variable each time round: the receiver may keep it
			if err := emit(batch); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}
