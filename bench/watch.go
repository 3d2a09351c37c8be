package bench

import "context"

// watcher is the key of the function that Watch puts into a context.
type watcher struct{}

// Watch gives a context under which [Measure] tells what it runs next: the name of the way, and which of how many rounds
// it is. Tell is called between two runs, never during one, by one goroutine at a time.
func Watch(ctx context.Context, tell func(way string, round, rounds int)) context.Context {
	return context.WithValue(ctx, watcher{}, tell)
}

func told(ctx context.Context, way string, round, rounds int) {
	if tell, ok := ctx.Value(watcher{}).(func(string, int, int)); ok {
		tell(way, round, rounds)
	}
}
