package main

import (
	"context"

	gostreams "github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

// input is a source that keeps its own error to itself, so that an input which cannot be read is told from a run that
// fails: a pipeline joins the two.
type input struct {
	gostreams.Outlet
	feeder engine.Feeder
	err    error // why the source broke; read it after the run
}

// Feed feeds what the source feeds. It returns only what the pipeline itself has to say: that it takes no more, or that
// its context is done.
func (i *input) Feed(ctx context.Context, emit func([]*engine.Command) error) error {
	var refused error
	err := i.feeder.Feed(ctx, func(cmds []*engine.Command) error {
		refused = emit(cmds)
		return refused
	})
	if err == nil || refused != nil || ctx.Err() != nil {
		return err
	}
	i.err = err
	return nil
}
