// Package middleware holds what is usually put around handlers: [Timeout], [Retry], [Validate], [RateLimit], [Concurrency],
// [Breaker], [Log] and [Trace]. Each is an engine.Middleware and fits command handlers, deciders and the handlers of a bus.
//
// What lives here: code that acts on one call of one handler. What does not: the hook itself, which is in package engine,
// and what acts on a whole command. The pipeline has that: pipeline.Options retries a command without holding a worker,
// abandons a handler that does not end, and parks what keeps failing. Prefer it where there is a pipeline; a bus has none.
//
// # Sequence
//
// The first middleware is the outermost. A sequence that does what one expects is
//
//	registry.Use(
//		middleware.Log(logger, middleware.LogOptions{}),         // sees what came of all of it
//		middleware.Trace(begin),
//		middleware.Validate(),                                   // what is invalid takes no place and no time
//		middleware.Retry(middleware.RetryOptions{}),             // each attempt goes through what follows
//		middleware.Breaker(middleware.BreakerOptions{}),
//		middleware.Concurrency(16, middleware.ConcurrencyOptions{}),
//		middleware.Timeout(5*time.Second),                       // of one attempt, without what it waited for a place
//	)
//
// # Options
//
// The zero value of every options struct works. Nothing is returned beside the middleware: what is wrong with its options is
// in its field Err, and engine.Registry.Err and Bus.Subscribe report it with everything else.
//
// # Sharing
//
// [RateLimit] and [Concurrency] count all calls of everything that one of them is put around. Make two for two limits. A
// [Breaker] has a circuit for each handler: one that fails does not close the way to another.
//
// # Errors
//
// What is worth another try is marked so, by engine.Temporary: [ErrBusy] and [ErrOpen]. A timeout is an engine.TimeoutError
// and an invalid payload an engine.ValidationError. None of these calls stored anything. A panic goes through every
// middleware here, and so does runtime.Goexit; they free what they hold, and engine makes it the failure of that message.
package middleware
