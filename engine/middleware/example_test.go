package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
)

// Mail is a command with rules of its own.
type Mail struct{ To, Text string }

// Mailed is what comes of it.
type Mailed struct{ To string }

// Validate tells everything that is wrong at once.
func (m Mail) Validate() error {
	var faults []error
	if m.To == "" {
		faults = append(faults, errors.New("to is empty"))
	}
	if m.Text == "" {
		faults = append(faults, errors.New("text is empty"))
	}
	return errors.Join(faults...)
}

// mailer registers the handler of Mail, and uses middleware.
func mailer(send func(ctx context.Context, m Mail) error, chain ...engine.Middleware) *engine.Registry {
	r := engine.NewRegistry()
	r.Use(chain...)
	engine.RegisterEvent[Mailed](r, "mail.sent")
	engine.OnCommand(r, "mail.send", "smtp", func(ctx context.Context, _ *engine.Command, m Mail) ([]any, error) {
		return []any{Mailed{m.To}}, send(ctx, m)
	}).Makes("mail.sent")
	return r
}

// try calls the handler as a pipeline does and prints what came of it.
func try(r *engine.Registry, mail Mail) {
	if err := r.Seal(); err != nil {
		fmt.Println(err)
		return
	}
	cmd := engine.NewCommand("box-1", mail)
	route, err := r.Route(cmd)
	if err != nil {
		fmt.Println(err)
		return
	}
	events, err := route.Handlers[0].Call(context.Background(), cmd, cmd.Data)
	fmt.Println(events, errors.Unwrap(err))
}

func delivered(context.Context, Mail) error { return nil }

// A chain. The registry tells what stands around what, and what is wrong with the options. The README shows this.
func Example() {
	registry, logger := mailer(delivered), zap.NewNop()

	registry.Use( // around every handler and decider; the first is the outermost
		middleware.Log(logger, middleware.LogOptions{}),
		middleware.Validate(),                                  // payloads with a method Validate() error; all faults at once
		middleware.Retry(middleware.RetryOptions{Attempts: 5}), // of each call; a pipeline retries too, and 5 times 5 are 25
		middleware.Timeout(2*time.Second),                      // of each attempt
	)
	registry.UseFor("mail.send", middleware.RateLimit(100, middleware.RateOptions{})) // inside of those
	fmt.Println(registry.Describe().Commands[0].Middleware)

	try(registry, Mail{To: "ada", Text: "hello"})
	try(registry, Mail{})
	// Output:
	// [log validate retry 5 timeout 2s rate limit 100/s]
	// [{ada}] <nil>
	// [] invalid: to is empty; text is empty
}

func ExampleTimeout() {
	hangs := func(ctx context.Context, _ Mail) error {
		<-ctx.Done()
		return ctx.Err()
	}
	try(mailer(hangs, middleware.Timeout(time.Millisecond)), Mail{To: "ada"})
	// Output: [] engine: handler "smtp" took longer than 1ms
}

func ExampleRetry() {
	attempts := 0
	flaky := func(context.Context, Mail) error {
		if attempts++; attempts < 3 {
			return engine.Temporary(errors.New("the line is busy"))
		}
		return nil
	}
	try(mailer(flaky, middleware.Retry(middleware.RetryOptions{First: time.Millisecond})), Mail{To: "ada"})
	fmt.Println(attempts, "attempts")
	// Output:
	// [{ada}] <nil>
	// 3 attempts
}

func ExampleValidate() {
	r := mailer(delivered, middleware.Validate())
	try(r, Mail{To: "ada"})
	try(r, Mail{To: "ada", Text: "hello"})
	// Output:
	// [] invalid: text is empty
	// [{ada}] <nil>
}

func ExampleRateLimit() {
	r := mailer(delivered, middleware.RateLimit(1, middleware.RateOptions{Wait: -1})) // who would have to wait is refused
	try(r, Mail{To: "ada"})
	route, _ := r.Route(engine.NewCommand("box-1", Mail{}))
	_, err := route.Handlers[0].Call(context.Background(), engine.NewCommand("box-1", Mail{}), Mail{})
	fmt.Println(errors.Is(err, middleware.ErrBusy), engine.Retryable(err))
	// Output:
	// [{ada}] <nil>
	// true true
}

func ExampleConcurrency() {
	// Mail and invoices go through one gateway that takes eight at once: one value, one limit.
	gateway := middleware.Concurrency(8, middleware.ConcurrencyOptions{Wait: time.Minute})
	r := mailer(delivered)
	r.UseFor("mail.send", gateway)
	try(r, Mail{To: "ada"})
	// Output: [{ada}] <nil>
}

func ExampleBreaker() {
	down := func(context.Context, Mail) error { return errors.New("no route to host") }
	r := mailer(down, middleware.Breaker(middleware.BreakerOptions{Failures: 2}))
	for range 3 {
		try(r, Mail{To: "ada"})
	}
	// Output:
	// [] no route to host
	// [] no route to host
	// [] middleware: the circuit is open: handler "smtp": it rests after failures, the last of which was: no route to host
}

func ExampleLog() {
	core, lines := observer.New(zap.InfoLevel)
	down := func(context.Context, Mail) error { return errors.New("no route to host") }
	try(mailer(down, middleware.Log(zap.New(core), middleware.LogOptions{})), Mail{To: "ada"})
	line := lines.All()[0]
	fmt.Println(line.Level, line.Message, line.ContextMap()["handler"], line.ContextMap()["error"])
	// Output:
	// [] no route to host
	// warn handler failed smtp no route to host
}

func ExampleTrace() {
	// With OpenTelemetry begin extracts Message.TraceParent, starts a span, and ends it with the error.
	begin := func(ctx context.Context, call engine.Call) (context.Context, func(error)) {
		fmt.Printf("begin %s %s, parent %q\n", call.Type, call.Handler, call.Message.TraceParent)
		return ctx, func(err error) { fmt.Println("end:", err) }
	}
	try(mailer(delivered, middleware.Trace(begin)), Mail{To: "ada"})
	// Output:
	// begin mail.send smtp, parent ""
	// end: <nil>
	// [{ada}] <nil>
}
