// Command peers measures Orchestrix beside other libraries for commands and events: the same work, in one process, taking
// turns. It is a module of its own, so that none of them comes into the module that users install.
//
//	go run . [--json] [--runs N] [--quick]
//
// Each library is set up as its own documentation does it, in memory, with its log silenced:
//
//   - Watermill: a command bus and a command processor over a router with the Recoverer, JSON, and the Go channel
//     Pub/Sub with its zero configuration, which publishes and does not wait; beside it with BlockPublishUntilSubscriberAck.
//     See https://watermill.io/docs/cqrs/ and https://watermill.io/pubsubs/gochannel/.
//   - Event Horizon: the command bus with the command handler of an aggregate over the aggregate store and the event store in
//     memory, as in its example; but no event bus behind the store, which would cost more. The lock is its middleware for
//     commands of one aggregate. See https://github.com/looplab/eventhorizon/tree/v0.16.0/examples/guestlist and
//     https://pkg.go.dev/github.com/looplab/eventhorizon@v0.16.0/middleware/commandhandler/lock.
//   - goes: the repository over the event store in memory, and the command bus with the handler of an aggregate. Its
//     documentation says that calling the aggregate directly is for one service, the command bus for many. See
//     https://github.com/modernice/goes/blob/v0.4.0/command/README.md and
//     https://goes.modernice.dev/guide/events/publish-subscribe.
//   - Proto.Actor: an actor for each aggregate, made from a producer, with the mailbox and the dispatcher that it has by
//     default. See https://pkg.go.dev/github.com/asynkron/protoactor-go/actor.
//   - go-streams: stock flows between channels. See https://github.com/reugn/go-streams#readme.
//
// What is by hand and what is plain go-streams comes from package bench.
package main
