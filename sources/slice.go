package sources

import "context"

// Slice is the source of the elements of a slice, which nobody may change until the source has ended.
func Slice[T any](elements []T) *Source {
	return newSource(func(ctx context.Context, most int, emit func([]any) error) error {
		batch := make([]any, 0, min(most, len(elements)))
		for rest := elements; len(rest) > 0 && ctx.Err() == nil; rest = rest[len(batch):] {
			batch = batch[:0]
			for _, e := range rest[:min(most, len(rest))] {
				batch = append(batch, e)
			}
			if err := emit(batch); err != nil {
				return err
			}
		}
		return nil
	})
}
