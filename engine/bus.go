package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// A Bus carries messages to the handlers subscribed to their type. SyncBus and AsyncBus differ only in how the handlers
// of one message run; a program can change one for the other without another change.
type Bus interface {
	// Subscribe adds a handler for one message type, under a name for errors. It may be called while messages are
	// published: a publish sees the handlers that were there when it began.
	Subscribe(typ, handler string, handle MessageHandler) error
	// Publish calls every handler of the message's type and returns when all have returned. Their errors come joined, in
	// the sequence of subscription, each a *HandlerError. A type without handlers is no error. A context that is done
	// before calls nobody.
	Publish(ctx context.Context, m *Message) error
}

// A MessageHandler handles one message. A panic counts as its error.
type MessageHandler func(ctx context.Context, m *Message) error

// BusOptions are the options of both buses.
type BusOptions struct {
	// OnlyIfAllFail makes a publish fail only if all handlers of the message fail; the errors of some are dropped. Zero
	// means that any handler's error fails the publish.
	OnlyIfAllFail bool
	// Use is the middleware around every handler of the bus, the first outermost. Subscribe reports what is wrong with it.
	Use []Middleware
}

// Subscribe subscribes a handler of messages whose payload is a T. A message of that type with another payload counts as
// a failure of the handler.
func Subscribe[T any](
	bus Bus, typ, handler string, handle func(ctx context.Context, m *Message, data T) error,
) error {
	return bus.Subscribe(typ, handler, func(ctx context.Context, m *Message) error {
		data, ok := m.Data.(T)
		if !ok {
			return &PayloadError{Want: goType[T]().String(), Got: m.Data}
		}
		return handle(ctx, m, data)
	})
}

// around puts the middleware of the bus around a handler.
func (o BusOptions) around(typ, handler string, handle MessageHandler) (MessageHandler, error) {
	if len(o.Use) == 0 {
		return handle, nil
	}
	if faults := checkMiddleware(o.Use); len(faults) > 0 {
		return nil, joinErrors(faults)
	}
	next, err := around(o.Use, func(ctx context.Context, c Call) ([]any, error) {
		return nil, handle(ctx, c.Message)
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, m *Message) error {
		_, err := next(ctx, Call{Type: typ, Handler: handler, Message: m, Data: m.Data})
		return err
	}, nil
}

// SyncBus calls the handlers of a message one after another in the goroutine of the publisher.
type SyncBus struct{ subscriptions }

// NewSyncBus makes a bus without subscribers.
func NewSyncBus(options BusOptions) *SyncBus { return &SyncBus{subscriptions{options: options}} }

// Publish calls the handlers one after another; all are called, even after one has failed.
func (b *SyncBus) Publish(ctx context.Context, m *Message) error {
	return b.publish(ctx, m, func(n int, call func(int)) {
		for i := range n {
			call(i)
		}
	})
}

// AsyncBus calls all handlers of a message at once and joins them: five handlers that wait 1 ms take 1 ms together.
type AsyncBus struct{ subscriptions }

// NewAsyncBus makes a bus without subscribers.
func NewAsyncBus(options BusOptions) *AsyncBus {
	return &AsyncBus{subscriptions{options: options}}
}

// Publish calls the handlers at once and returns when all have returned. No goroutine outlives the call.
func (b *AsyncBus) Publish(ctx context.Context, m *Message) error { return b.publish(ctx, m, FanOut) }

// errExited is the failure of a handler that ended its goroutine instead of returning.
var errExited = errors.New("engine: the code ended its goroutine (runtime.Goexit) instead of returning")

// subscriptions is what both buses have in common. The table is copied on each change and never written after, so that
// publishers read it without a lock.
type subscriptions struct {
	options BusOptions
	mu      sync.Mutex // held by writers
	table   atomic.Pointer[map[string][]subscription]
}

type subscription struct {
	handler string
	handle  MessageHandler
}

// call runs the handler. Its error or panic comes back as a *HandlerError.
func (s subscription) call(ctx context.Context, m *Message) (err error) {
	defer func() {
		if v := recover(); v != nil || err != nil {
			err = failure(err, v, m.Type, m.ID, s.handler)
		}
	}()
	return s.handle(ctx, m)
}

// Subscribe adds a handler for one message type.
func (s *subscriptions) Subscribe(typ, handler string, handle MessageHandler) error {
	if err := CheckName("type", typ); err != nil {
		return err
	}
	if err := CheckName("handler name", handler); err != nil {
		return err
	}
	if handle == nil {
		return fmt.Errorf("engine: handler %q of %q is nil", handler, typ)
	}
	handle, err := s.options.around(typ, handler, handle)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[string][]subscription{}
	if old := s.table.Load(); old != nil {
		for t, list := range *old {
			next[t] = list
		}
	}
	list := next[typ]
	next[typ] = append(list[:len(list):len(list)], subscription{handler: handler, handle: handle})
	s.table.Store(&next)
	return nil
}

// publish calls the handlers of m as run says and joins their errors.
func (s *subscriptions) publish(ctx context.Context, m *Message, run func(n int, call func(int))) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	table := s.table.Load()
	if table == nil {
		return nil
	}
	list := (*table)[m.Type]
	results := make([]error, len(list))
	run(len(list), func(i int) {
		results[i] = &HandlerError{Type: m.Type, ID: m.ID, Handler: list[i].handler, Err: errExited} // until it returns
		results[i] = list[i].call(ctx, m)
	})
	var errs []error
	for _, err := range results {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if s.options.OnlyIfAllFail && len(errs) < len(list) {
		return nil
	}
	return joinErrors(errs)
}
