package sqlite

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// TestShutMatchesClosed shows that a store which will store nothing any more is taken for a closed one, and that the
// reasons are told apart.
func TestShutMatchesClosed(t *testing.T) {
	for _, err := range []error{ErrPoisoned, ErrReadOnly} {
		wrapped := fmt.Errorf("%w: why", err)
		require.ErrorIs(t, wrapped, engine.ErrClosed)
		require.ErrorIs(t, wrapped, err)
		require.NotErrorIs(t, engine.ErrClosed, err)
	}
	require.NotErrorIs(t, ErrPoisoned, ErrReadOnly)
}

// TestRefusedAppendsLeaveNothing refuses appends to ever new aggregates: the writer must not remember them.
func TestRefusedAppendsLeaveNothing(t *testing.T) {
	store, _, _ := openFaulty(t)
	for i := range 100 {
		a := oneEvent(fmt.Sprint("a", i))
		a.Expected = engine.Exactly(7)
		require.ErrorIs(t, store.Append(t.Context(), []engine.Append{a})[0].Err, engine.ErrConflict)
	}
	require.Empty(t, store.writer.versions.young) // the writer's goroutine is idle
	require.NoError(t, store.Append(t.Context(), []engine.Append{oneEvent("a1")})[0].Err)
	require.Len(t, store.writer.versions.young, 1)
}
