package sources

import "context"

// Chan is the source of what is sent to a channel, until the sender closes it. The elements are usually
// *engine.Command. Each time it takes what the channel holds without waiting, at most 256 elements for Feed and one for
// Out; when the context is done while these are handed over they are lost. It never closes the channel.
func Chan[T any](elements <-chan T) *Source {
	return newSource(func(ctx context.Context, most int, emit func([]any) error) error {
		batch := make([]any, 0, most)
		for {
			// Asked for apart: with an element there and the context done, the select below picks either.
			if ctx.Err() != nil {
				return nil
			}
			select {
			case e, open := <-elements:
				if !open {
					return nil
				}
				batch = append(batch[:0], e)
			case <-ctx.Done():
				return nil
			}
			batch, open := takeMore(elements, batch)
			if err := emit(batch); err != nil || !open {
				return err
			}
		}
	})
}

// takeMore fills the batch with what the channel holds now, without waiting. Open is false when the channel was closed.
func takeMore[T any](elements <-chan T, batch []any) (filled []any, open bool) {
	for len(batch) < cap(batch) {
		select {
		case e, open := <-elements:
			if !open {
				return batch, false
			}
			batch = append(batch, e)
		default:
			return batch, true
		}
	}
	return batch, true
}
