package sinks

import (
	"errors"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// group is the batches of one call of the store. It is used again.
type group struct {
	batches []*engine.Batch
	next    int // batch to be settled
	joined  []engine.Append
	appends []engine.Append // joined, or those of the only batch
	results []engine.Result // for a store that takes an array for them
}

// room gives an empty result for each append.
func (g *group) room() []engine.Result {
	g.results = slices.Grow(g.results[:0], len(g.appends))[:len(g.appends)]
	return g.results
}

// add takes batches over.
func (g *group) add(batches []*engine.Batch) {
	g.batches = append(g.batches, batches...)
	if len(batches) == 1 {
		g.appends = batches[0].Appends
		return
	}
	for _, batch := range batches {
		g.joined = append(g.joined, batch.Appends...)
	}
	g.appends = g.joined
}

// answered gives the results of the group, or says that there are none: the store ended the goroutine that waited for them.
func (g *group) answered(results []engine.Result) []engine.Result {
	if results == nil {
		return unknown(len(g.appends), errors.New("the store ended its goroutine"))
	}
	return results
}

// settle gives each batch its share of the results, and empties the group.
func (g *group) settle(results []engine.Result) {
	g.next = 0
	g.settleRest(results)
}

// settleRest settles the batches that are not yet. When a Settle ends the goroutine, the others are settled on its way out.
func (g *group) settleRest(results []engine.Result) {
	defer func() {
		if g.next < len(g.batches) {
			g.settleRest(results)
		} else {
			g.empty()
		}
	}()
	for g.next < len(g.batches) {
		batch := g.batches[g.next]
		g.next++
		size := len(batch.Appends) // asked for first: a batch that is settled is its maker's again
		mine := results[:size]
		results = results[size:]
		batch.Settle(mine)
	}
}

func (g *group) empty() {
	clear(g.batches)
	clear(g.joined)
	clear(g.results)
	g.batches, g.joined, g.appends, g.results = g.batches[:0], g.joined[:0], nil, g.results[:0]
}
