package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
)

// No test of this package may leave a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The tests share a small domain: a purse that must not be overdrawn.
type (
	deposit   struct{ Cents int }
	withdraw  struct{ Cents int }
	deposited struct{ Cents int }
	withdrawn struct{ Cents int }
)

// purse registers the domain with a decider over the balance.
type purse struct{}

func (purse) Register(r *engine.Registry) {
	d := engine.NewDecider(r, "purse", func() int { return 0 })
	engine.Decide(d, "purse.deposit", func(_ context.Context, _ int, cmd deposit) ([]any, error) {
		return []any{deposited(cmd)}, nil
	})
	engine.Decide(d, "purse.withdraw", func(_ context.Context, balance int, cmd withdraw) ([]any, error) {
		if cmd.Cents > balance {
			return nil, engine.Reject("%d cents are there, %d are asked for", balance, cmd.Cents)
		}
		return []any{withdrawn(cmd)}, nil
	})
	engine.Evolve(d, "purse.deposited", func(balance int, e deposited) int { return balance + e.Cents })
	engine.Evolve(d, "purse.withdrawn", func(balance int, e withdrawn) int { return balance - e.Cents })
}

// id makes a UUID that ends in n.
func id(t testing.TB, n int) engine.ID {
	t.Helper()
	id, err := engine.ParseID(fmt.Sprintf("00000000-0000-7000-8000-%012d", n))
	require.NoError(t, err)
	return id
}
