package main

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/components/cqrs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/orchestrix-go/orchestrix/bench"
)

// millDeposit is the command of the workload, as Watermill takes it: JSON.
type millDeposit struct {
	Account string `json:"account"`
	bench.Deposit
}

// mill is a router that runs, over channels.
type mill struct {
	channel *gochannel.GoChannel
	router  *message.Router
	running sync.WaitGroup
	ended   error
}

// newMill makes a router. With block, a publisher waits until all subscribers have acknowledged the message; without it,
// which is the default, a message is sent by a goroutine of its own.
func newMill(block bool) (*mill, error) {
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	router.AddMiddleware(middleware.Recoverer)
	channel := gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: block}, watermill.NopLogger{})
	return &mill{channel: channel, router: router}, nil
}

// start returns when every handler is subscribed.
func (m *mill) start(ctx context.Context) error {
	m.running.Go(func() { m.ended = m.router.Run(ctx) })
	select {
	case <-m.router.Running():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *mill) close() error {
	err := errors.Join(m.router.Close(), m.channel.Close())
	m.running.Wait()
	return errors.Join(err, m.ended)
}

// millLedger is a command bus with one command handler.
type millLedger struct {
	*mill
	*tally
	*store
	bus  *cqrs.CommandBus
	cmds []millDeposit
}

// openMill publishes and does not wait, as Watermill does by default.
func openMill(ctx context.Context, w *bench.Workload) (ledger, error) {
	return newMillLedger(ctx, w, false)
}

// openMillBlocking waits for each command.
func openMillBlocking(ctx context.Context, w *bench.Workload) (ledger, error) {
	return newMillLedger(ctx, w, true)
}

func newMillLedger(ctx context.Context, w *bench.Workload, block bool) (*millLedger, error) {
	m, err := newMill(block)
	if err != nil {
		return nil, err
	}
	l := &millLedger{mill: m, tally: newTally(w.Commands()), store: newStore(), cmds: make([]millDeposit, w.Commands())}
	for i := range l.cmds {
		l.cmds[i].Account, l.cmds[i].Deposit = w.Command(i)
	}
	l.bus, err = cqrs.NewCommandBusWithConfig(m.channel, cqrs.CommandBusConfig{
		GeneratePublishTopic: func(p cqrs.CommandBusGeneratePublishTopicParams) (string, error) { return p.CommandName, nil },
		Marshaler:            cqrs.JSONMarshaler{},
	})
	if err != nil {
		return nil, err
	}
	processor, err := cqrs.NewCommandProcessorWithConfig(m.router, cqrs.CommandProcessorConfig{
		GenerateSubscribeTopic: func(p cqrs.CommandProcessorGenerateSubscribeTopicParams) (string, error) {
			return p.CommandName, nil
		},
		SubscriberConstructor: func(cqrs.CommandProcessorSubscriberConstructorParams) (message.Subscriber, error) {
			return m.channel, nil
		},
		Marshaler: cqrs.JSONMarshaler{},
	})
	if err != nil {
		return nil, err
	}
	err = processor.AddHandlers(cqrs.NewCommandHandler("deposit", func(_ context.Context, cmd *millDeposit) error {
		if err := l.deposit(cmd.Account, cmd.Deposit); err != nil {
			return err
		}
		l.tick()
		return nil
	}))
	if err != nil {
		return nil, err
	}
	return l, m.start(ctx)
}

func (l *millLedger) send(ctx context.Context, i int) error { return l.bus.Send(ctx, &l.cmds[i]) }

func (l *millLedger) stored() iter.Seq[bench.Stored] { return l.store.stored() }

// millNotice is the event of the studies of fan-out.
type millNotice struct {
	Message int `json:"message"`
}

// millBoard is an event bus with five event handlers, each with a subscription of its own.
type millBoard struct {
	*mill
	bus *cqrs.EventBus
}

func openMillBoard(ctx context.Context, j *joins) (board, error) { return newMillBoard(ctx, j, false) }

func openMillBoardBlocking(ctx context.Context, j *joins) (board, error) {
	return newMillBoard(ctx, j, true)
}

func newMillBoard(ctx context.Context, j *joins, block bool) (*millBoard, error) {
	m, err := newMill(block)
	if err != nil {
		return nil, err
	}
	b := &millBoard{mill: m}
	b.bus, err = cqrs.NewEventBusWithConfig(m.channel, cqrs.EventBusConfig{
		GeneratePublishTopic: func(p cqrs.GenerateEventPublishTopicParams) (string, error) { return p.EventName, nil },
		Marshaler:            cqrs.JSONMarshaler{},
	})
	if err != nil {
		return nil, err
	}
	processor, err := cqrs.NewEventProcessorWithConfig(m.router, cqrs.EventProcessorConfig{
		GenerateSubscribeTopic: func(p cqrs.EventProcessorGenerateSubscribeTopicParams) (string, error) {
			return p.EventName, nil
		},
		SubscriberConstructor: func(cqrs.EventProcessorSubscriberConstructorParams) (message.Subscriber, error) {
			return m.channel, nil
		},
		Marshaler: cqrs.JSONMarshaler{},
	})
	if err != nil {
		return nil, err
	}
	for i := range handlers {
		err := processor.AddHandlers(cqrs.NewEventHandler("handler-"+strconv.Itoa(i+1),
			func(_ context.Context, notice *millNotice) error {
				j.handle(notice.Message)
				return nil
			}))
		if err != nil {
			return nil, err
		}
	}
	return b, m.start(ctx)
}

func (b *millBoard) publish(ctx context.Context, message int) error {
	return b.bus.Publish(ctx, &millNotice{message})
}
