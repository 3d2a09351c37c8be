package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"time"

	eh "github.com/looplab/eventhorizon"
	"github.com/looplab/eventhorizon/aggregatestore/events"
	"github.com/looplab/eventhorizon/commandhandler/aggregate"
	"github.com/looplab/eventhorizon/commandhandler/bus"
	"github.com/looplab/eventhorizon/eventbus/local"
	"github.com/looplab/eventhorizon/eventstore/memory"
	"github.com/looplab/eventhorizon/middleware/commandhandler/lock"
	"github.com/looplab/eventhorizon/uuid"

	"github.com/orchestrix-go/orchestrix/bench"
)

const (
	horizonAccounts  eh.AggregateType = "account"
	horizonDeposits  eh.CommandType   = "account.deposit"
	horizonDeposited eh.EventType     = "account.deposited"
	horizonNoticed   eh.EventType     = "noticed"
)

// Event Horizon keeps its types in variables of its package.
var registerHorizon = sync.OnceFunc(func() {
	eh.RegisterAggregate(func(id uuid.UUID) eh.Aggregate {
		return &horizonAccount{AggregateBase: events.NewAggregateBase(horizonAccounts, id)}
	})
	eh.RegisterEventData(horizonDeposited, func() eh.EventData { return &bench.Deposited{} })
	eh.RegisterEventData(horizonNoticed, func() eh.EventData { return &horizonNotice{} })
})

// horizonDeposit is the command of the workload.
type horizonDeposit struct {
	ID uuid.UUID
	bench.Deposit
}

// AggregateID is the account.
func (c *horizonDeposit) AggregateID() uuid.UUID { return c.ID }

// AggregateType says that it is an account.
func (c *horizonDeposit) AggregateType() eh.AggregateType { return horizonAccounts }

// CommandType says that it is a deposit.
func (c *horizonDeposit) CommandType() eh.CommandType { return horizonDeposits }

// horizonAccount is the aggregate: Event Horizon makes it from its events for each command.
type horizonAccount struct {
	*events.AggregateBase
	balance int64
}

// HandleCommand decides.
func (a *horizonAccount) HandleCommand(_ context.Context, cmd eh.Command) error {
	decided, err := decide(cmd.(*horizonDeposit).Deposit)
	if err == nil {
		a.AppendEvent(horizonDeposited, &decided, time.Now())
	}
	return err
}

// ApplyEvent evolves the state.
func (a *horizonAccount) ApplyEvent(_ context.Context, e eh.Event) error {
	a.balance += e.Data().(*bench.Deposited).Cents
	return nil
}

// horizonLedger is a command bus with the aggregate's command handler over the store in memory.
type horizonLedger struct {
	handler eh.CommandHandler
	store   *memory.EventStore
	names   map[uuid.UUID]string
	cmds    []horizonDeposit
}

func openHorizon(_ context.Context, w *bench.Workload) (ledger, error) { return newHorizonLedger(w) }

// openHorizonLocked puts the lock that Event Horizon has for concurrent commands of one aggregate ahead of the handler.
func openHorizonLocked(_ context.Context, w *bench.Workload) (ledger, error) {
	return newHorizonLedger(w, lock.NewMiddleware(lock.NewLocalLock()))
}

func newHorizonLedger(w *bench.Workload, middleware ...eh.CommandHandlerMiddleware) (*horizonLedger, error) {
	registerHorizon()
	store, err := memory.NewEventStore()
	if err != nil {
		return nil, err
	}
	aggregates, err := events.NewAggregateStore(store)
	if err != nil {
		return nil, err
	}
	handler, err := aggregate.NewCommandHandler(horizonAccounts, aggregates)
	if err != nil {
		return nil, err
	}
	commands := bus.NewCommandHandler()
	if err := commands.SetHandler(eh.UseCommandHandlerMiddleware(handler, middleware...), horizonDeposits); err != nil {
		return nil, err
	}
	l := &horizonLedger{
		handler: commands, store: store, names: map[uuid.UUID]string{}, cmds: make([]horizonDeposit, w.Commands()),
	}
	for i := range l.cmds {
		name, deposit := w.Command(i)
		id := accountID(i % w.Accounts())
		l.names[id], l.cmds[i] = name, horizonDeposit{ID: id, Deposit: deposit}
	}
	return l, nil
}

// accountID names an account by its number, for libraries whose aggregates have UUIDs.
func accountID(number int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[8:], uint64(number)+1)
	return id
}

func (l *horizonLedger) send(ctx context.Context, i int) error {
	return l.handler.HandleCommand(ctx, &l.cmds[i])
}

func (l *horizonLedger) wait(context.Context) error { return nil } // send blocks

// stored goes through the accounts one after another: the store in memory has no log of all.
func (l *horizonLedger) stored() iter.Seq[bench.Stored] {
	return func(yield func(bench.Stored) bool) {
		for id, name := range l.names {
			found, err := l.store.Load(context.Background(), id)
			if err != nil {
				continue // nothing is stored: its commands are lost
			}
			for _, e := range found {
				if !yield(bench.Stored{Account: name, Version: uint64(e.Version()), Number: e.Data().(*bench.Deposited).Number}) {
					return
				}
			}
		}
	}
}

func (l *horizonLedger) close() error { return l.store.Close() }

// horizonNotice is the event of the studies of fan-out.
type horizonNotice struct{ Message int }

// horizonHandler is one of the five.
type horizonHandler struct {
	name  string
	joins *joins
}

// HandlerType names the handler.
func (h *horizonHandler) HandlerType() eh.EventHandlerType { return eh.EventHandlerType(h.name) }

// HandleEvent handles one event.
func (h *horizonHandler) HandleEvent(_ context.Context, e eh.Event) error {
	h.joins.handle(e.Data().(*horizonNotice).Message)
	return nil
}

// horizonBoard is the local event bus with five handlers. It drops what comes when a thousand are waiting.
type horizonBoard struct{ bus *local.EventBus }

func openHorizonBoard(ctx context.Context, j *joins) (board, error) {
	registerHorizon()
	b := &horizonBoard{local.NewEventBus()}
	for i := range handlers {
		h := &horizonHandler{"handler-" + strconv.Itoa(i+1), j}
		if err := b.bus.AddHandler(ctx, eh.MatchEvents{horizonNoticed}, h); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *horizonBoard) publish(ctx context.Context, message int) error {
	return b.bus.HandleEvent(ctx, eh.NewEvent(horizonNoticed, &horizonNotice{message}, time.Now()))
}

func (b *horizonBoard) close() error {
	select {
	case err := <-b.bus.Errors():
		return fmt.Errorf("peers: event bus: %w", err)
	default:
		return b.bus.Close()
	}
}
