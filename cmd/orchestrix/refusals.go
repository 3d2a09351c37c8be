package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sources"
)

// refusals are the commands of dead letters, of which it remembers why they were rejected: their letters go then, and nobody
// else has the reason.
type refusals struct {
	*sources.LetterSource

	mu    sync.Mutex
	lines []string // at most deadLettersShown
	count int
}

// Feed is that of the letters.
func (r *refusals) Feed(ctx context.Context, emit func([]*engine.Command) error) error {
	return r.LetterSource.Feed(ctx, func(cmds []*engine.Command) error {
		for _, cmd := range cmds {
			cmd.Settled = func(o engine.Outcome) { r.settled(cmd, o) }
		}
		return emit(cmds)
	})
}

func (r *refusals) settled(cmd *engine.Command, o engine.Outcome) {
	if o.Status != engine.Rejected {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count++; r.count <= deadLettersShown {
		r.lines = append(r.lines, fmt.Sprintf("rejected %s: %s", placeOf(cmd), brief(o.Reason, 100)))
	}
}

// print prints them when the run is over: until then others write there.
func (r *refusals) print(w io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.lines {
		fmt.Fprintln(w, line)
	}
	if more := r.count - len(r.lines); more > 0 {
		fmt.Fprintf(w, "and %d more were rejected\n", more)
	}
}
