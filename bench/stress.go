package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
)

// StressOptions say how hard [Stress] presses. The zero value works.
type StressOptions struct {
	// Commands in all. Zero means 100000.
	Commands int
	// Aggregates they are spread over. Zero means 1000.
	Aggregates int
	// Handlers per command besides the decider. Zero means 5; negative means none.
	Handlers int
	// Producers that submit at the same time. Zero means 16.
	Producers int
	// Workers of the pipeline. Zero means its default.
	Workers int
	// Seed of which command goes where and of which handler waits how long.
	Seed uint64
	// Watch, when not nil, is given the pipeline before it starts, to look at its Report.
	Watch func(*pipeline.Pipeline)
}

func (o StressOptions) withDefaults() (StressOptions, error) {
	var errs []error
	number := func(name string, value *int, zero int) {
		if *value == 0 {
			*value = zero
		}
		if *value < 1 {
			errs = append(errs, fmt.Errorf("bench: %s is %d: give 1 or more", name, *value))
		}
	}
	number("Commands", &o.Commands, 100_000)
	number("Aggregates", &o.Aggregates, 1000)
	number("Producers", &o.Producers, 16)
	switch {
	case o.Handlers == 0:
		o.Handlers = 5
	case o.Handlers < 0:
		o.Handlers = 0
	}
	o.Aggregates = min(o.Aggregates, o.Commands)
	return o, errors.Join(errs...)
}

// Stress sends commands from many producers at once, interleaved over the aggregates, through a pipeline whose handlers
// wait for random times, and judges the store. Every order is created by one producer and then filled by all of them.
func Stress(ctx context.Context, store engine.Store, options StressOptions) (Result, error) {
	o, err := options.withDefaults()
	if err != nil {
		return Result{}, err
	}
	registry := engine.NewRegistry(order.Module{})
	for i := range o.Handlers {
		name := fmt.Sprintf("observer-%d", i+1)
		engine.OnCommand(registry, "order.create", name, linger[order.Create](o.Seed, i))
		engine.OnCommand(registry, "order.add_item", name, linger[order.AddItem](o.Seed, i))
	}
	p, err := pipeline.New(registry, sinks.NewStore(store), pipeline.Options{Workers: o.Workers})
	if err != nil {
		return Result{}, err
	}
	if o.Watch != nil {
		o.Watch(p)
	}
	audit := NewAudit()
	report, err := whileRunning(ctx, p, func(ctx context.Context) error { return produce(ctx, p, audit, o) })
	if err != nil {
		return Result{}, err
	}
	return audit.Judge(ctx, store, report)
}

// linger is a handler that waits up to 200 µs for one command in eight, as the seed says, and adds no event.
func linger[C any](seed uint64, handler int) func(context.Context, *engine.Command, C) ([]any, error) {
	return func(ctx context.Context, cmd *engine.Command, _ C) ([]any, error) {
		dice := mix(binary.BigEndian.Uint64(cmd.ID[8:]) ^ seed ^ uint64(handler)<<32)
		if dice%8 == 0 {
			select {
			case <-time.After(time.Duration(dice >> 32 % 200_000)):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return nil, nil
	}
}

// mix scrambles the bits of x (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// produce sends everything: first every order's creation, then its items.
func produce(ctx context.Context, p *pipeline.Pipeline, audit *Audit, o StressOptions) error {
	producers := make([]*producer, o.Producers)
	for i := range producers {
		producers[i] = &producer{
			p: p, audit: audit, book: newOrderBook(o.Seed, fmt.Sprintf("orchestrix/stress/%d", i)),
		}
	}
	items := o.Commands - o.Aggregates
	errs := make([]error, o.Producers)
	engine.FanOut(o.Producers, func(i int) {
		for number := i; number < o.Aggregates && errs[i] == nil; number += o.Producers {
			errs[i] = producers[i].send(ctx, number, order.Create{Customer: "stress"})
		}
	})
	engine.FanOut(o.Producers, func(i int) {
		for n := i; n < items && errs[i] == nil; n += o.Producers {
			number := producers[i].book.rng.IntN(o.Aggregates)
			errs[i] = producers[i].send(ctx, number, order.AddItem{SKU: "stress", Quantity: 1, UnitPriceCents: int64(n)})
		}
	})
	return errors.Join(errs...)
}

// producer is one of the many that submit at the same time.
type producer struct {
	p     *pipeline.Pipeline
	audit *Audit
	book  *orderBook
}

func (s *producer) send(ctx context.Context, number int, data any) error {
	cmd := s.book.command(number, data)
	s.audit.Note(cmd)
	_, err := s.p.Send(ctx, cmd)
	return err
}
