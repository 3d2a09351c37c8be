package engine_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Greet asks for a greeting.
type Greet struct{ Name string }

// Greeted states that somebody was greeted.
type Greeted struct{ Words string }

func greet(_ context.Context, _ *engine.Command, c Greet) ([]any, error) {
	if c.Name == "" {
		return nil, engine.Reject("nobody to greet")
	}
	return []any{Greeted{"hello " + c.Name}}, nil
}

func ExampleNewCommand() {
	cmd := engine.NewCommand("room-1", Greet{Name: "ada"})
	fmt.Println(cmd.Subject, cmd.Data, cmd.ID == cmd.CorrelationID)
	// Output: room-1 {ada} true
}

// An element of a foreign stream that is no command never breaks the belt.
func ExampleAsCommand() {
	fmt.Println(engine.AsCommand("just text").Defect)
	// Output: engine: want a *engine.Command, got a string
}

func ExampleNewRegistry() {
	r := engine.NewRegistry()
	engine.OnCommand(r, "room.greet", "greeter", greet)
	engine.RegisterEvent[Greeted](r, "room.greeted")
	if err := r.Seal(); err != nil { // a pipeline does this, and what follows, for every command
		fmt.Println(err)
		return
	}
	cmd := engine.NewCommand("room-1", Greet{Name: "ada"})
	route, _ := r.Route(cmd)
	payloads, _ := route.Handlers[0].Call(context.Background(), cmd, cmd.Data)
	events, _ := r.Events(nil, cmd, payloads, time.Now())
	fmt.Println(route.Type, "->", events[0].Type, events[0].Data)
	// Output: room.greet -> room.greeted {hello ada}
}

// Everything that was registered wrongly is told at once.
func ExampleRegistry_Err() {
	r := engine.NewRegistry()
	engine.RegisterEvent[Greeted](r, "room.greeted")
	engine.RegisterEvent[Greeted](r, "room.was_greeted")
	engine.RegisterEvent[*Greet](r, "room.left")
	fmt.Println(r.Err())
	// Output: engine: engine_test.Greeted is "room.greeted" and cannot be "room.was_greeted" too; engine: "room.left": register the struct, not the ptr *engine_test.Greet
}

func ExampleReject() {
	err := engine.Reject("%d cents are missing", 5)
	fmt.Println(err)
	fmt.Println(errors.Is(err, engine.ErrRejected))
	// Output:
	// rejected: 5 cents are missing
	// true
}

// Join asks to enter a room; Joined states that somebody did.
type (
	Join   struct{ Name string }
	Joined struct{ Name string }
)

// A decider decides on the state that the events before have made: here, how many are in the room.
func ExampleNewDecider() {
	r := engine.NewRegistry()
	d := engine.NewDecider(r, "room", func() int { return 0 })
	engine.Decide(d, "room.join", func(_ context.Context, guests int, c Join) ([]any, error) {
		if guests == 2 {
			return nil, engine.Reject("the room is full")
		}
		return []any{Joined(c)}, nil
	})
	engine.Evolve(d, "room.joined", func(guests int, _ Joined) int { return guests + 1 })

	route, _ := r.Route(engine.NewCommand("room-1", Join{}))
	room := route.NewAggregate()
	for _, name := range []string{"ada", "bob", "eve"} {
		cmd := engine.NewCommand("room-1", Join{Name: name})
		payloads, err := room.Decide(context.Background(), route.Type, cmd, cmd.Data)
		fmt.Println(name, payloads, errors.Is(err, engine.ErrRejected))
		for _, p := range payloads {
			_ = room.Evolve("room.joined", p)
		}
	}
	// Output:
	// ada [{ada}] false
	// bob [{bob}] false
	// eve [] true
}

// The handlers of one message run one after another, in the publisher's goroutine.
func ExampleNewSyncBus() {
	bus := engine.NewSyncBus(engine.BusOptions{})
	for _, name := range []string{"mail", "audit"} {
		_ = engine.Subscribe(bus, "room.greeted", name, func(_ context.Context, m *engine.Message, e Greeted) error {
			fmt.Println(name, "got", m.Type, e.Words)
			return nil
		})
	}
	err := bus.Publish(context.Background(), &engine.Message{Type: "room.greeted", Data: Greeted{"hello ada"}})
	fmt.Println(err)
	// Output:
	// mail got room.greeted hello ada
	// audit got room.greeted hello ada
	// <nil>
}

// The handlers of one message run at once: both of these meet, which they never could one after another.
func ExampleNewAsyncBus() {
	bus := engine.NewAsyncBus(engine.BusOptions{})
	words := make(chan string) // "speaker" sends, "listener" receives; never closed; unbuffered, so that they have to meet
	_ = bus.Subscribe("room.greeted", "speaker", func(_ context.Context, m *engine.Message) error {
		words <- m.Data.(Greeted).Words
		return nil
	})
	_ = bus.Subscribe("room.greeted", "listener", func(context.Context, *engine.Message) error {
		fmt.Println("heard:", <-words)
		return nil
	})
	_ = bus.Publish(context.Background(), &engine.Message{Type: "room.greeted", Data: Greeted{"hello ada"}})
	// Output: heard: hello ada
}

// A synchronous bus used from code that must not block.
func ExampleNewNonBlocking() {
	bus := engine.NewSyncBus(engine.BusOptions{})
	_ = bus.Subscribe("room.greeted", "failing", func(context.Context, *engine.Message) error {
		return errors.New("no paper")
	})
	sender := engine.NewNonBlocking(bus, 100)
	defer sender.Close() // waits for what is under way

	receipt := sender.Send(context.Background(), &engine.Message{Type: "room.greeted"}) // returns at once
	var failed *engine.HandlerError
	if err := receipt.Wait(context.Background()); errors.As(err, &failed) {
		fmt.Println(failed.Handler, "-", failed.Err)
	}
	// Output: failing - no paper
}

// An asynchronous publisher at a place where a blocking call is expected.
func ExampleBlocking() {
	async := engine.NewNonBlocking(engine.NewAsyncBus(engine.BusOptions{}), 100)
	defer async.Close()
	var bus engine.Bus = engine.Blocking{AsyncPublisher: async}
	_ = bus.Subscribe("room.greeted", "mail", func(context.Context, *engine.Message) error {
		fmt.Println("mail is sent")
		return nil
	})
	err := bus.Publish(context.Background(), &engine.Message{Type: "room.greeted"})
	fmt.Println("published:", err)
	// Output:
	// mail is sent
	// published: <nil>
}

// Follow yields what is in the log and goes on with what is appended, until its context ends.
func ExampleFollow() {
	var store engine.Store = newTiny(1, 2, 5) // any store does
	for event, err := range engine.Follow(context.Background(), store, 1) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("position", event.Position)
		if event.Position == 5 {
			break // releases everything
		}
	}
	// Output:
	// position 2
	// position 5
}

func ExampleUnmarshalCloudCommand() {
	line := `{"specversion":"1.0","id":"17","type":"room.greet","source":"door","subject":"room-1","data":{"Name":"ada"}}`
	cmd, err := engine.UnmarshalCloudCommand([]byte(line))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s for %s: %s\n", cmd.Type, cmd.Subject, cmd.Data)
	fmt.Println(cmd.ID, "stands for", cmd.Metadata["originalid"])
	_, err = engine.UnmarshalCloudCommand([]byte(`{"specversion":"1.0","id":"18","type":"room.greet","source":"door"}`))
	fmt.Println(err)
	// Output:
	// room.greet for room-1: {"Name":"ada"}
	// 941786bf-b2a8-5052-8be2-2d907f153a95 stands for 17
	// engine: subject (the aggregate id) is empty
}

func ExampleCheckName() {
	fmt.Println(engine.CheckName("aggregate id", "order-1"))
	fmt.Println(engine.CheckName("aggregate id", "order\n1"))
	// Output:
	// <nil>
	// engine: aggregate id "order\n1" holds a control character
}

// A middleware of one's own: func(next) next, with a name.
func ExampleRegistry_Use() {
	audit := engine.Middleware{Name: "audit", Wrap: func(next engine.Next) engine.Next {
		return func(ctx context.Context, call engine.Call) ([]any, error) {
			events, err := next(ctx, call)
			fmt.Println(call.Handler, "on", call.Message.Subject, "made", len(events), "events")
			return events, err
		}
	}}
	registry := engine.NewRegistry(purse{})
	registry.Use(audit)
	if err := registry.Seal(); err != nil { // a pipeline does this
		fmt.Println(err)
		return
	}
	cmd := engine.NewCommand("purse-1", deposit{Cents: 5})
	route, _ := registry.Route(cmd)
	events, _ := route.NewAggregate().Decide(context.Background(), route.Type, cmd, cmd.Data)
	fmt.Println(events)
	// Output:
	// purse on purse-1 made 1 events
	// [{5}]
}

// What is declared can be drawn and looked through: here a command that nobody handles yet.
func ExampleTopology_Lint() {
	registry := engine.NewRegistry(purse{})
	engine.RegisterCommand[parcel](registry, "parcel.send")
	engine.OnCommand(registry, "purse.deposit", "audit", idle[deposit]).Makes("purse.deposited")
	registry.Reads("monthly statement", "purse.deposited", "purse.withdrawn")
	for _, finding := range registry.Describe().Lint() {
		fmt.Println(finding)
	}
	// Output: command "parcel.send" has neither a handler nor a decider
}

func ExampleRetryable() {
	for _, err := range []error{
		errors.New("a fault of the code"),
		engine.Temporary(errors.New("the mail server is restarting")),
		context.DeadlineExceeded,
		engine.Permanent(context.DeadlineExceeded),
		engine.Temporary(engine.Reject("sold out")),
	} {
		fmt.Println(engine.Retryable(err), err)
	}
	// Output:
	// false a fault of the code
	// true the mail server is restarting
	// true context deadline exceeded
	// false context deadline exceeded
	// false rejected: sold out
}
