package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

func TestNewDeadLetter(t *testing.T) {
	cmd := engine.NewCommand("purse-1", deposit{1})
	cause := errors.New("boom")
	letter := engine.NewDeadLetter(cmd, &engine.HandlerError{
		Type: "deposit", ID: cmd.ID, Handler: "mail", Err: &engine.PanicError{Value: cause, Stack: []byte("main.go:7")},
	})
	require.Equal(t, cmd.ID, letter.ID)
	require.Equal(t, "mail", letter.Handler)
	require.Equal(t, "main.go:7", letter.Stack)
	require.Len(t, letter.Causes, 3)
	require.True(t, strings.HasPrefix(letter.Causes[1], "*engine.PanicError: panic: "))
	require.Equal(t, "*errors.errorString: boom", letter.Causes[2])

	unread := func(text string) engine.ID {
		return engine.NewDeadLetter(&engine.Command{Message: engine.Message{Data: engine.Raw(text)}, Defect: cause}, cause).ID
	}
	require.Equal(t, unread("a"), unread("a"), "the same whenever it is read")
	require.NotEqual(t, unread("a"), unread("b"))
	require.False(t, engine.NewDeadLetter(engine.AsCommand(17), cause).ID.IsZero())
}

// However large and strange the errors of user code are, what is kept of them is bounded and valid UTF-8.
func TestKeptIsBounded(t *testing.T) {
	cmd := engine.NewCommand("purse-1", deposit{1})
	cmd.Origin, cmd.Settled = strings.Repeat("o\xff", 1<<20), func(engine.Outcome) {}
	err := errors.New(strings.Repeat("é\xff", 1<<20))
	for range 40 {
		err = fmt.Errorf("again: %w", err)
	}
	letter := engine.NewDeadLetter(cmd, err)
	letter.Stack, letter.Handler, letter.First = strings.Repeat("\xff", 1<<20), strings.Repeat("h", 1<<20), time.Now()
	kept := letter.Kept()
	require.Len(t, kept.Causes, 16)
	require.Nil(t, errors.Unwrap(kept.Err))
	require.Nil(t, kept.Command.Settled)
	require.NotNil(t, cmd.Settled, "the command itself is as it was")
	all := kept.Err.Error() + kept.Stack + kept.Handler + kept.Command.Origin + strings.Join(kept.Causes, "")
	require.True(t, utf8.ValidString(all))
	require.Less(t, len(all), 800<<10)
	require.Equal(t, kept, kept.Kept(), "what is kept already stays as it is")
	require.Equal(t, engine.DeadLetter{ID: cmd.ID, Command: kept.Command}, (&engine.DeadLetter{ID: cmd.ID, Command: cmd}).Kept())
}

func TestWritten(t *testing.T) {
	registry := engine.NewRegistry()
	engine.OnCommand(registry, "deposit", "none", func(context.Context, *engine.Command, deposit) ([]any, error) { return nil, nil })
	type unknown struct{ Sum float64 }
	for name, c := range map[string]struct {
		cmd        *engine.Command
		codec      engine.Codec
		want       string // in the text
		unreadable bool
	}{
		"named by the codec": {engine.NewCommand("purse-1", deposit{1}), registry, `"type":"deposit"`, false},
		"without a codec":    {engine.NewCommand("purse-1", deposit{1}), nil, "Subject:purse-1", true},
		"not encodable":      {engine.NewCommand("purse-1", unknown{math.NaN()}), registry, "Sum:NaN", true},
		"no aggregate":       {engine.NewCommand("", deposit{1}), registry, `"type":"deposit"`, true},
		"foreign":            {engine.AsCommand(17), registry, "17", true},
		"raw": {
			&engine.Command{Message: engine.Message{Data: engine.Raw("{half\xff")}, Defect: errors.New("no")}, registry, "{half\xff", true,
		},
		"none": {nil, registry, `"type":""`, true},
	} {
		text, unreadable := (&engine.DeadLetter{Command: c.cmd}).Written(c.codec)
		require.Contains(t, string(text), c.want, name)
		require.Equal(t, c.unreadable, unreadable != nil, "%s: %v", name, unreadable)
		if !c.unreadable {
			again, err := engine.UnmarshalCloudCommand(text)
			require.NoError(t, err)
			require.Equal(t, c.cmd.ID, again.ID)
		}
	}
	huge := &engine.Command{Message: engine.Message{Data: engine.Raw(make([]byte, 33<<20))}, Defect: errors.New("no")}
	text, err := (&engine.DeadLetter{Command: huge}).Written(nil)
	require.Nil(t, text)
	require.ErrorIs(t, err, engine.ErrLimit)
}

// What others wait for stays what they wait for, whatever comes.
func TestAgain(t *testing.T) {
	for _, c := range []struct{ before, comes, want engine.LetterState }{
		{engine.Skipped, engine.Skipped, engine.Skipped},
		{engine.Skipped, engine.Parked, engine.Parked},
		{engine.Skipped, engine.Waiting, engine.Waiting},
		{engine.Parked, engine.Skipped, engine.Parked},
		{engine.Parked, engine.Parked, engine.Parked},
		{engine.Parked, engine.Waiting, engine.Parked},
		{engine.Waiting, engine.Skipped, engine.Parked},
		{engine.Waiting, engine.Parked, engine.Parked},
		{engine.Waiting, engine.Waiting, engine.Waiting},
	} {
		cmd := engine.NewCommand("purse-1", deposit{1})
		before, comes := engine.NewDeadLetter(cmd, errors.New("old")).Kept(), engine.NewDeadLetter(cmd, errors.New("new"))
		before.State, before.Number, comes.State = c.before, 7, c.comes
		again := comes.Again(&before)
		require.Equal(t, c.want, again.State, c)
		require.EqualValues(t, 7, again.Number)
		require.Equal(t, c.comes == engine.Waiting, again.Reason() == "old", c)
	}
	require.Equal(t, "skipped parked waiting state 3",
		fmt.Sprint(engine.Skipped, " ", engine.Parked, " ", engine.Waiting, " ", engine.LetterState(3)))
}
