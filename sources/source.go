package sources

import (
	"context"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

var (
	_ streams.Source = (*Source)(nil)
	_ engine.Starter = (*Source)(nil)
	_ engine.Feeder  = (*Source)(nil)
)

// feedMost is how many commands Feed hands over at once: a hand-over costs little enough for each of them then, and
// more of them would only wait in another place.
const feedMost = 256

// A Source is where commands come from: a streams.Source of go-streams that a pipeline can also read in batches, by
// Feed. The constructors of this package make it; it is used once.
type Source struct{ outlet }

func newSource(produce producer) *Source {
	s := &Source{}
	s.init(produce)
	return s
}

// Feed calls emit with up to 256 commands at a time, in source sequence, one call after another. It never waits for more
// while it holds some. It blocks until the source ends or the context is done (nil), emit returns an error (that error,
// as it is) or the source breaks (what went wrong). An element that is no command becomes one with a Defect.
//
// Feed and Out exclude each other: the first gets the elements, and Feed as the second returns ErrUsed.
func (s *Source) Feed(ctx context.Context, emit func([]*engine.Command) error) error {
	if !s.claim(feeding) {
		return ErrUsed
	}
	close(s.out) // no pump will ever run: whoever calls Out now finds it closed, and ErrUsed in Err
	var (
		commands []*engine.Command
		refused  error
	)
	err := s.run(ctx, feedMost, func(elements []any) error {
		commands = commands[:0]
		for _, e := range elements {
			commands = append(commands, engine.AsCommand(e))
		}
		refused = emit(commands)
		return refused
	})
	if refused != nil {
		return refused // also when it is the context's error: it is emit's to say
	}
	return err
}
