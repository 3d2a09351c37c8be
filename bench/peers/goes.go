package main

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/modernice/goes/aggregate"
	"github.com/modernice/goes/aggregate/repository"
	"github.com/modernice/goes/codec"
	"github.com/modernice/goes/command"
	"github.com/modernice/goes/command/cmdbus"
	"github.com/modernice/goes/command/cmdbus/dispatch"
	"github.com/modernice/goes/command/handler"
	goesevent "github.com/modernice/goes/event"
	"github.com/modernice/goes/event/eventbus"
	"github.com/modernice/goes/event/eventstore"
	"github.com/modernice/goes/event/query"
	"github.com/modernice/goes/helper/streams"

	"github.com/orchestrix-go/orchestrix/bench"
)

const (
	goesAccount   = "account"
	goesDeposit   = "account.deposit"
	goesDeposited = "account.deposited"
	goesNoticed   = "noticed"
)

// goesBalance is the aggregate.
type goesBalance struct {
	*aggregate.Base
	*handler.BaseHandler
	cents int64
}

func newGoesBalance(id uuid.UUID) *goesBalance {
	a := &goesBalance{Base: aggregate.New(goesAccount, id), BaseHandler: handler.NewBase()}
	goesevent.ApplyWith(a, func(e goesevent.Of[bench.Deposited]) { a.cents += e.Data().Cents }, goesDeposited)
	command.ApplyWith(a, a.deposit, goesDeposit)
	return a
}

func (a *goesBalance) deposit(d bench.Deposit) error {
	decided, err := decide(d)
	if err == nil {
		aggregate.Next(a, goesDeposited, decided)
	}
	return err
}

// goesLedger is a repository over the event store in memory. What send does with it is up to how it was opened.
type goesLedger struct {
	repository aggregate.Repository
	store      goesevent.Store
	names      map[uuid.UUID]string
	ids        []uuid.UUID // of each command
	deposits   []bench.Deposit
	deal       func(ctx context.Context, i int) error
	stop       func()
}

func newGoesLedger(w *bench.Workload) *goesLedger {
	l := &goesLedger{
		store: eventstore.New(), names: map[uuid.UUID]string{}, ids: make([]uuid.UUID, w.Commands()),
		deposits: make([]bench.Deposit, w.Commands()), stop: func() {},
	}
	l.repository = repository.New(l.store)
	for i := range l.ids {
		name, deposit := w.Command(i)
		id := accountID(i % w.Accounts())
		l.names[id], l.ids[i], l.deposits[i] = name, id, deposit
	}
	return l
}

// openGoesCached keeps the aggregates and only saves them: the fastest way, for one goroutine.
func openGoesCached(_ context.Context, w *bench.Workload) (ledger, error) {
	l := newGoesLedger(w)
	balances := make(map[uuid.UUID]*goesBalance, w.Accounts())
	for id := range l.names {
		balances[id] = newGoesBalance(id)
	}
	l.deal = func(ctx context.Context, i int) error {
		a := balances[l.ids[i]]
		if err := a.deposit(l.deposits[i]); err != nil {
			return err
		}
		return l.repository.Save(ctx, a)
	}
	return l, nil
}

// openGoesUse fetches, changes and saves the aggregate for each command, as the repository does for its users.
func openGoesUse(_ context.Context, w *bench.Workload) (ledger, error) {
	l := newGoesLedger(w)
	typed := repository.Typed(l.repository, newGoesBalance)
	l.deal = func(ctx context.Context, i int) error {
		return typed.Use(ctx, l.ids[i], func(a *goesBalance) error { return a.deposit(l.deposits[i]) })
	}
	return l, nil
}

// goesAssign bounds how long a dispatch waits for somebody to take the command, and goesTries how often it is sent again.
// The bus begins to listen for the answer after it has asked: about one dispatch in a thousand misses it and waits in vain,
// for 5 s without the option. Nobody has handled the command then, unless the machine stood still for so long: then it is
// stored twice, and its row says so.
const (
	goesAssign = 50 * time.Millisecond
	goesTries  = 5
)

// openGoesBus dispatches each command and waits until the aggregate has handled it.
func openGoesBus(ctx context.Context, w *bench.Workload) (ledger, error) {
	l := newGoesLedger(w)
	registry := codec.New()
	codec.Register[bench.Deposit](registry, goesDeposit)
	bus := cmdbus.New[int](registry, eventbus.New(), cmdbus.AssignTimeout(goesAssign))
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	busErrs, err := bus.Run(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	handlerErrs, err := handler.New(newGoesBalance, l.repository, bus).Handle(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	var drains sync.WaitGroup
	for _, errs := range []<-chan error{busErrs, handlerErrs} {
		drains.Go(func() {
			for range errs { // Dispatch gives the error of a command too
			}
		})
	}
	l.stop = func() {
		cancel()
		drains.Wait()
	}
	l.deal = func(ctx context.Context, i int) (err error) {
		cmd := command.New(goesDeposit, l.deposits[i], command.Aggregate(goesAccount, l.ids[i]))
		for range goesTries {
			if err = bus.Dispatch(ctx, cmd.Any(), dispatch.Sync()); !errors.Is(err, cmdbus.ErrAssignTimeout) {
				break
			}
		}
		return err
	}
	return l, nil
}

func (l *goesLedger) send(ctx context.Context, i int) error { return l.deal(ctx, i) }

func (l *goesLedger) wait(context.Context) error { return nil } // send blocks

// stored goes through the accounts one after another, each by its versions: the store in memory has no sequence.
func (l *goesLedger) stored() iter.Seq[bench.Stored] {
	return func(yield func(bench.Stored) bool) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		found, errs, err := l.store.Query(ctx, query.New(query.SortByAggregate()))
		if err != nil {
			return // nothing is stored: its commands are lost
		}
		events, err := streams.Drain(ctx, found, errs)
		if err != nil {
			return
		}
		for _, e := range events {
			id, _, version := e.Aggregate()
			data := e.Data().(bench.Deposited)
			if !yield(bench.Stored{Account: l.names[id], Version: uint64(version), Number: data.Number}) {
				return
			}
		}
	}
}

func (l *goesLedger) close() error {
	l.stop()
	return nil
}

// goesBoard is the event bus in memory with five subscriptions. The bus has no end: some parked goroutines of it stay.
type goesBoard struct {
	bus         goesevent.Bus
	cancel      context.CancelFunc
	subscribers sync.WaitGroup
}

func openGoesBoard(ctx context.Context, j *joins) (board, error) {
	ctx, cancel := context.WithCancel(ctx)
	b := &goesBoard{bus: eventbus.New(), cancel: cancel}
	for range handlers {
		found, errs, err := b.bus.Subscribe(ctx, goesNoticed)
		if err != nil {
			cancel()
			return nil, err
		}
		b.subscribers.Go(func() {
			// It ends with the context of the subscription, and that is no error.
			_ = streams.Walk(ctx, func(e goesevent.Event) error {
				j.handle(e.Data().(int))
				return nil
			}, found, errs)
		})
	}
	return b, nil
}

func (b *goesBoard) publish(ctx context.Context, message int) error {
	return b.bus.Publish(ctx, goesevent.New(goesNoticed, message).Any())
}

func (b *goesBoard) close() error {
	b.cancel()
	b.subscribers.Wait()
	return nil
}
