package sources

import (
	"context"
	"iter"
)

// Seq is the source of what an iterator yields.
//
// The iterator runs in one goroutine of the source, at most two batches of 256 elements ahead for Feed and two elements
// for Out. It is stopped as by a break in a loop over it: yield returns false. Once the context is done the source waits
// up to 100 ms for that. An iterator that waits longer for something should watch the context itself; one that does not
// ends when it next yields.
func Seq[T any](elements iter.Seq[T]) *Source {
	return newSource(ahead{fill: func(_ context.Context, put func(any, int) bool) error {
		for e := range elements {
			if !put(e, 0) {
				break
			}
		}
		return nil
	}}.produce)
}

// Seq2 is Seq for an iterator that can fail. A pair with an error ends the source with that error, as it is; its
// element is passed over.
func Seq2[T any](elements iter.Seq2[T, error]) *Source {
	return newSource(ahead{fill: func(_ context.Context, put func(any, int) bool) error {
		for e, err := range elements {
			if err != nil {
				return err
			}
			if !put(e, 0) {
				break
			}
		}
		return nil
	}}.produce)
}
