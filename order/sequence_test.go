package order_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

// These tests prove guarantee G3 from the outside: whatever the handlers take, and whoever sends at the same time, the
// events of each order stand without a gap in the sequence in which its commands were sent.

// remark is a command that no decider decides: its handlers alone make its events, and they overlap.
type (
	remark   struct{ Number int }
	remarked struct{ Number int }
)

// slowdown gives every command handlers that return out of turn: how long each waits follows from the seed and the
// command's id, with a jitter of nanoseconds.
type slowdown struct {
	seed uint64
	most time.Duration
}

func (s slowdown) Register(r *engine.Registry) {
	engine.RegisterEvent[remarked](r, "order.remarked")
	engine.OnCommand(r, "order.remark", "write", func(ctx context.Context, cmd *engine.Command, c remark) ([]any, error) {
		return []any{remarked(c)}, s.wait(ctx, cmd, 1)
	})
	linger[remark](r, s, "order.remark")
	linger[order.Create](r, s, "order.create")
	linger[order.AddItem](r, s, "order.add_item")
	linger[order.Pay](r, s, "order.pay")
	linger[order.Ship](r, s, "order.ship")
}

func linger[C any](r *engine.Registry, s slowdown, typ string) {
	engine.OnCommand(r, typ, "linger", func(ctx context.Context, cmd *engine.Command, _ C) ([]any, error) {
		return nil, s.wait(ctx, cmd, 2)
	})
}

func (s slowdown) wait(ctx context.Context, cmd *engine.Command, handler uint64) error {
	dice := uint64(cmd.ID[15]) | uint64(cmd.ID[14])<<8 | uint64(cmd.ID[13])<<16
	rng := rand.New(rand.NewPCG(s.seed^handler, dice))
	if rng.IntN(3) > 0 {
		return nil // most do not wait: they overtake those that do, if anybody can
	}
	select {
	case <-time.After(time.Duration(rng.Int64N(int64(s.most)))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sender sends the commands of some orders, interleaved, each order's in sequence, and notes the sequence.
type sender struct {
	p    *pipeline.Pipeline
	rng  *rand.Rand
	sent map[string][]engine.ID
}

func (s *sender) send(ctx context.Context, orders []string, commands int) error {
	totals, numbers := map[string]int64{}, map[string]int{}
	for range commands {
		id := orders[s.rng.IntN(len(orders))]
		var data any
		switch {
		case len(s.sent[id]) == 0:
			data = order.Create{Customer: "ada"}
		case s.rng.IntN(2) == 0:
			numbers[id]++
			data = remark{Number: numbers[id]}
		default:
			price := s.rng.Int64N(1000)
			totals[id] += price
			data = order.AddItem{SKU: "tea", Quantity: 1, UnitPriceCents: price}
		}
		if err := s.one(ctx, id, data); err != nil {
			return err
		}
	}
	for _, id := range orders { // pays only if every item before was counted
		if totals[id] == 0 {
			continue
		}
		if err := s.one(ctx, id, order.Pay{AmountCents: totals[id]}); err != nil {
			return err
		}
		if err := s.one(ctx, id, order.Ship{Carrier: "post"}); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) one(ctx context.Context, id string, data any) error {
	cmd := engine.NewCommand(id, data)
	s.sent[id] = append(s.sent[id], cmd.ID)
	_, err := s.p.Send(ctx, cmd)
	return err
}

// prove sends commands from several senders at once through a pipeline on the store and reads the store back.
func prove(t *testing.T, open func(engine.Codec) engine.Store, seed uint64, most time.Duration) {
	t.Logf("seed %d", seed)
	registry := engine.NewRegistry(order.Module{}, slowdown{seed, most})
	store := open(registry)
	defer func() { require.NoError(t, store.Close()) }()
	p, err := pipeline.New(registry, sinks.NewStore(store), pipeline.Options{Batch: 16, Window: 256})
	require.NoError(t, err)

	running, stop := context.WithCancel(t.Context())
	const senders, orders, commands = 4, 25, 400
	sent := make([]map[string][]engine.ID, senders)
	errs := make([]error, senders)
	var report pipeline.Report
	engine.FanOut(2, func(i int) {
		if i == 0 {
			report, err = p.Run(running)
			return
		}
		defer stop()
		engine.FanOut(senders, func(i int) {
			s := &sender{p: p, rng: rand.New(rand.NewPCG(seed, uint64(i))), sent: map[string][]engine.ID{}}
			var mine []string
			for n := range orders {
				mine = append(mine, fmt.Sprintf("order-%d-%d", i, n))
			}
			errs[i], sent[i] = s.send(t.Context(), mine, commands), s.sent
		})
	})
	require.NoError(t, err)
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Greater(t, report.Commands, 1000)
	require.Equal(t, report.Commands, report.Accepted, "%s", report)
	require.True(t, report.Sequence.OK())
	for _, lines := range sent {
		for id, want := range lines {
			readBack(t, registry, store, id, want)
		}
	}
}

// readBack checks one order: each command has one event, versions have no gap, the sequence is that of sending.
func readBack(t *testing.T, codec engine.Codec, store engine.Store, id string, sent []engine.ID) {
	t.Helper()
	var found []engine.ID
	remarks := 0
	for e, err := range store.Load(t.Context(), id, 1) {
		require.NoError(t, err)
		found = append(found, e.CausationID)
		require.EqualValues(t, len(found), e.Version)
		data, err := codec.Decode(&e.Message)
		require.NoError(t, err)
		if r, ok := data.(remarked); ok {
			remarks++
			require.Equal(t, remarks, r.Number)
		}
	}
	require.Equal(t, sent, found, id)
}

func TestSequenceInMemory(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			prove(t, func(engine.Codec) engine.Store { return memory.New() }, seed, 5*time.Millisecond)
		})
	}
}

func TestSequenceInSQLite(t *testing.T) {
	prove(t, func(codec engine.Codec) engine.Store {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "orders.db"), sqlite.Options{Codec: codec})
		require.NoError(t, err)
		return store
	}, 1, 500*time.Microsecond)
}

// 500 orders are created at once by ten callers each: one creation of each order is accepted.
func TestConcurrentOrderCreations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const orders, callers = 500, 10
		store := memory.New()
		registry := engine.NewRegistry(order.Module{}, slowdown{1, time.Millisecond})
		p, err := pipeline.New(registry, sinks.NewStore(store), pipeline.Options{Window: 700})
		require.NoError(t, err)
		running, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		var report pipeline.Report
		run.Go(func() { report, err = p.Run(running) })
		accepted := make([]int, orders)
		var mu sync.Mutex
		engine.FanOut(orders*callers, func(i int) {
			o, err := p.Do(t.Context(), engine.NewCommand(fmt.Sprint("order-", i%orders), order.Create{Customer: fmt.Sprint(i)}))
			if err != nil {
				require.ErrorIs(t, err, engine.ErrRejected)
				require.Contains(t, o.Reason, "exists already")
				return
			}
			mu.Lock()
			defer mu.Unlock()
			accepted[i%orders]++
		})
		stop()
		run.Wait()
		require.NoError(t, err)
		for i, n := range accepted {
			require.Equal(t, 1, n, "order %d", i)
		}
		require.Equal(t, orders, report.Events)
		require.Equal(t, orders*(callers-1), report.Rejected)
	})
}

// An order from its creation to its shipping, with what it refuses on the way, and what can be read of it.
func TestOrderFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		p, err := pipeline.New(engine.NewRegistry(order.Module{}), sinks.NewStore(store), pipeline.Options{})
		require.NoError(t, err)
		running, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _, err = p.Run(running) })
		for _, step := range []struct {
			command any
			refused string
		}{
			{command: order.AddItem{SKU: "tea", Quantity: 1}, refused: "does not exist"},
			{command: order.Create{Customer: "ada"}},
			{command: order.Create{Customer: "eve"}, refused: "exists already"},
			{command: order.Pay{}, refused: "no items"},
			{command: order.AddItem{SKU: "tea", Quantity: 2, UnitPriceCents: 250}},
			{command: order.AddItem{SKU: "cake", Quantity: 1, UnitPriceCents: 400}},
			{command: order.Ship{}, refused: "only a paid order"},
			{command: order.Pay{AmountCents: 899}, refused: "exactly the total"},
			{command: order.Pay{AmountCents: 900}},
			{command: order.AddItem{SKU: "tea", Quantity: 1}, refused: "only while it is open"},
			{command: order.Ship{Carrier: "post"}},
			{command: order.Cancel{}, refused: "is shipped"},
		} {
			o, err := p.Do(t.Context(), engine.NewCommand("order-1", step.command))
			if step.refused == "" {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, engine.ErrRejected)
				require.Contains(t, o.Reason, step.refused)
			}
		}
		stop()
		run.Wait()
		require.NoError(t, err)
		var o order.Order
		var types []string
		for e, err := range store.Load(t.Context(), "order-1", 1) {
			require.NoError(t, err)
			types = append(types, e.Type)
			o = o.Evolve(e.Data)
		}
		require.Equal(t, []string{"order.created", "order.item_added", "order.item_added", "order.paid", "order.shipped"}, types)
		require.Equal(t, order.Order{Status: "shipped", Customer: "ada", Items: 2, TotalCents: 900}, o)
	})
}
