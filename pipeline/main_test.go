package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
)

// No test of this package may leave a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The tests share a small domain: an account that must not be overdrawn. All its commands have the same payload, and
// differ in who handles them.
type (
	put  job // the decider alone
	note job // two handlers and no decider: a stateless command
	mix  job // a handler, then the decider, then two handlers
)

// job says what a command does, so that a test can foresee it.
type job struct {
	Amounts []int           // one event each; their sum must not overdraw the account
	Waits   []time.Duration // how long each handler waits; none means not at all
	Fault   fault
}

// fault is what goes wrong in a command.
type fault string

const (
	handlerFails    fault = "handler fails"
	handlerPanics   fault = "handler panics"
	handlerRejects  fault = "handler rejects"
	deciderFails    fault = "decider fails"
	deciderPanics   fault = "decider panics"
	evolvePanics    fault = "evolve panics"
	notRegistered   fault = "payload is not registered"
	tooManyPayloads fault = "too many events"
)

type (
	added   struct{ Amount, After int } // after is the balance that the decider saw, and the amount
	bomb    struct{}                    // cannot be folded
	seen    struct{ Handler string }
	unnamed struct{} // in no registry
)

var errBroken = errors.New("broken")

// account is the module of the domain.
type account struct{}

func (account) Register(r *engine.Registry) {
	d := engine.NewDecider(r, "account", func() int { return 0 })
	handler := func(i int) func(context.Context, job) ([]any, error) {
		return func(ctx context.Context, j job) ([]any, error) { return j.handle(ctx, i) }
	}
	engine.Decide(d, "put", func(_ context.Context, balance int, c put) ([]any, error) { return job(c).decide(balance) })
	onNote := func(name string, i int) {
		engine.OnCommand(r, "note", name, func(ctx context.Context, _ *engine.Command, c note) ([]any, error) {
			return handler(i)(ctx, job(c))
		})
	}
	onNote("h0", 0)
	onNote("h1", 1)
	onMix := func(name string, i int) {
		engine.OnCommand(r, "mix", name, func(ctx context.Context, _ *engine.Command, c mix) ([]any, error) {
			return handler(i)(ctx, job(c))
		})
	}
	onMix("h0", 0)
	engine.Decide(d, "mix", func(_ context.Context, balance int, c mix) ([]any, error) { return job(c).decide(balance) })
	onMix("h1", 1)
	onMix("h2", 2)
	engine.RegisterEvent[seen](r, "seen")
	engine.Evolve(d, "added", func(balance int, e added) int { return balance + e.Amount })
	engine.Evolve(d, "bomb", func(int, bomb) int { panic(errBroken) })
}

// handle is handler i. The second one is where faults are.
func (j job) handle(ctx context.Context, i int) ([]any, error) {
	if i < len(j.Waits) {
		if err := wait(ctx, j.Waits[i]); err != nil {
			return nil, err
		}
	}
	if i == 1 {
		switch j.Fault {
		case handlerFails:
			return nil, errBroken
		case handlerPanics:
			panic(errBroken)
		case handlerRejects:
			return nil, engine.Reject("handler %d says no", i)
		case notRegistered:
			return []any{unnamed{}}, nil
		}
	}
	return []any{seen{Handler: fmt.Sprintf("h%d", i)}}, nil
}

func (j job) decide(balance int) ([]any, error) {
	switch j.Fault {
	case deciderFails:
		return nil, errBroken
	case deciderPanics:
		panic(errBroken)
	case evolvePanics:
		return []any{added{Amount: 1, After: balance + 1}, bomb{}}, nil
	case tooManyPayloads:
		return slices.Repeat([]any{added{}}, engine.MaxAppendEvents+1), nil
	}
	var events []any
	for _, amount := range j.Amounts {
		balance += amount
		events = append(events, added{Amount: amount, After: balance})
	}
	if balance < 0 {
		return nil, engine.Reject("balance would be %d", balance)
	}
	return events, nil
}

// wait sleeps, and gives up when ctx is done.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stream loads an aggregate.
func stream(t testing.TB, store engine.Store, aggregate string) []engine.Event {
	t.Helper()
	return collect(t, store.Load(context.Background(), aggregate, 1))
}

// wholeLog reads everything.
func wholeLog(t testing.TB, store engine.Store) []engine.Event {
	t.Helper()
	return collect(t, store.Read(context.Background(), 0))
}

func collect(t testing.TB, events func(func(engine.Event, error) bool)) []engine.Event {
	t.Helper()
	var all []engine.Event
	for event, err := range events {
		require.NoError(t, err)
		all = append(all, event)
	}
	return all
}

// payloads gives the payloads of events.
func payloads(events []engine.Event) []any {
	var all []any
	for _, e := range events {
		all = append(all, e.Data)
	}
	return all
}

// asError is errors.As for a condition.
func asError[E error](err error, as *E) bool { return errors.As(err, as) }
