package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/middleware"
)

// Payloads that can tell what is wrong with them.
type (
	byValue   struct{ err error }
	byPointer struct{ err error }
	mute      struct{}
)

func (v byValue) Validate() error    { return v.err }
func (v *byPointer) Validate() error { return v.err }

func TestValidate(t *testing.T) {
	one, two, three := errors.New("one"), errors.New("two"), errors.New("three")
	twice := fmt.Errorf("address: %w, %w", one, two)
	refusal := engine.Reject("no")
	ready := &engine.ValidationError{Faults: []error{one}}
	for name, c := range map[string]struct {
		err    error
		faults []error
	}{
		"valid":                        {},
		"one fault":                    {one, []error{one}},
		"joined":                       {errors.Join(one, nil, two), []error{one, two}},
		"joined twice":                 {errors.Join(errors.Join(one, two), errors.Join(three)), []error{one, two, three}},
		"wrapped, with words around":   {twice, []error{twice}},
		"joined with words around one": {errors.Join(twice, three), []error{twice, three}},
		"a validation error":           {fmt.Errorf("order: %w", ready), []error{one}},
	} {
		for kind, data := range map[string]any{
			"by value": byValue{c.err}, "by pointer": byPointer{c.err}, "a pointer": &byPointer{c.err}, "a pointer to a value": &byValue{c.err},
		} {
			handled, err := validated(t, data)
			if c.err == nil {
				require.NoError(t, err, "%s, %s", name, kind)
				require.Equal(t, data, handled)
				continue
			}
			require.Nil(t, handled, "%s, %s: it is not handled", name, kind)
			require.ErrorIs(t, err, engine.ErrInvalid)
			require.False(t, engine.Retryable(err))
			invalid, ok := errors.AsType[*engine.ValidationError](err)
			require.True(t, ok)
			require.Equal(t, c.faults, invalid.Faults, "%s, %s", name, kind)
		}
	}

	_, err := validated(t, byValue{fmt.Errorf("here: %w", refusal)})
	require.ErrorIs(t, err, engine.ErrRejected)
	require.NotErrorIs(t, err, engine.ErrInvalid, "a refusal stays one")

	for _, data := range []any{mute{}, &mute{}, nil, engine.Raw("{}"), "text", 1, []string{"a"}} {
		handled, err := validated(t, data)
		require.NoError(t, err, "%T has nothing to ask", data)
		require.Equal(t, data, handled)
	}
}

// validated publishes a payload to a handler behind Validate and gives what that got.
func validated(t *testing.T, data any) (handled any, err error) {
	t.Helper()
	bus := engine.NewSyncBus(engine.BusOptions{Use: one(middleware.Validate())})
	require.NoError(t, bus.Subscribe("a", "h", func(_ context.Context, m *engine.Message) error {
		handled = m.Data
		return nil
	}))
	for range 2 { // the second time what is known of the type is used
		handled = nil
		err = bus.Publish(t.Context(), &engine.Message{Type: "a", Data: data})
	}
	return handled, err
}

// A payload can be hostile: what is kept of its faults is bounded.
func TestValidateBoundsTheFaults(t *testing.T) {
	var faults []error
	for i := range 100_000 {
		faults = append(faults, fmt.Errorf("item %d is bad", i))
	}
	_, err := validated(t, byValue{errors.Join(faults...)})
	invalid, ok := errors.AsType[*engine.ValidationError](err)
	require.True(t, ok)
	require.Len(t, invalid.Faults, 101)
	require.EqualError(t, invalid.Faults[99], "item 99 is bad")
	require.EqualError(t, invalid.Faults[100], "and 99900 more")
}

func TestValidatePanics(t *testing.T) {
	_, err := validated(t, &bomb{})
	_, panicked := errors.AsType[*engine.PanicError](err)
	require.True(t, panicked)
}

type bomb struct{}

func (*bomb) Validate() error { panic("boom") }
