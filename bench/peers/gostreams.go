package main

import (
	"context"
	"sync"

	"github.com/reugn/go-streams"
	"github.com/reugn/go-streams/extension"
	"github.com/reugn/go-streams/flow"
)

// chainOverlap is how many messages one Map handles at once: enough that all of the seed study overlap.
const chainOverlap = 100

// chainOfFive is a chain of go-streams that fans out to five maps and zips what they give.
type chainOfFive struct {
	in   chan any
	ends sync.WaitGroup
}

func openChainBoard(_ context.Context, j *joins) (board, error) {
	b := &chainOfFive{in: make(chan any, 1024)} // publish sends, close closes, the first stage receives; room for every message of a study
	out := make(chan any, 1024)                 // the last stage sends and closes, the goroutine below receives; room as above
	var maps []streams.Outlet
	for _, branch := range flow.FanOut(extension.NewChanSource(b.in), handlers) {
		maps = append(maps, branch.Via(flow.NewMap(func(message int) int {
			j.handle(message)
			return message
		}, chainOverlap)))
	}
	b.ends.Go(func() { flow.ZipWith(func(same []int) int { return same[0] }, maps...).To(extension.NewChanSink(out)) })
	b.ends.Go(func() {
		for range out { // a Map hands on in any sequence, so that the zip is no join of a message: joins does that
		}
	})
	return b, nil
}

func (b *chainOfFive) publish(_ context.Context, message int) error {
	b.in <- message
	return nil
}

func (b *chainOfFive) close() error {
	close(b.in)
	b.ends.Wait()
	return nil
}
