package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sources"
)

type lettersShowFlags struct {
	selection
	json bool
}

func newLettersShow(std streams) *cobra.Command {
	var f lettersShowFlags
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one dead letter whole: its command, why it failed, causes and stack",
		Args:  oneLetter,
		RunE:  func(cmd *cobra.Command, args []string) error { return f.show(cmd.Context(), std.out, args) },
	}
	f.storeFlag(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	return cmd
}

func (f *lettersShowFlags) show(ctx context.Context, w io.Writer, args []string) error {
	filter, err := f.filter(args)
	if err != nil {
		return err
	}
	store, err := openLetters(ctx, f.store, nil)
	if err != nil {
		return err
	}
	defer store.Close()
	letter, found, err := store.DeadLetter(ctx, filter.IDs[0])
	switch {
	case ctx.Err() != nil:
		return interrupted("nothing was shown")
	case err != nil:
		return &exitError{status: exitBroken, cause: err}
	case !found:
		return noLetter(filter.IDs[0], f.store)
	case f.json:
		return writeLetters(ctx, w, store, sources.LetterFilter{IDs: filter.IDs})
	}
	_, err = io.WriteString(w, describe(&letter))
	return err
}

// describe writes a letter for a person.
func describe(letter *engine.DeadLetter) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-12s%s\n", name, strings.ReplaceAll(value, "\n", "\n            "))
		}
	}
	cmd := letter.Command
	line("dead letter", letter.ID.String())
	line("number", fmt.Sprint(letter.Number))
	line("state", letter.State.String())
	line("aggregate", cmd.Subject)
	line("type", cmd.Type)
	line("origin", cmd.Origin)
	attempts := fmt.Sprint(letter.Attempts)
	if !letter.First.IsZero() {
		attempts += fmt.Sprintf(", from %s to %s", timeOf(letter.First), timeOf(letter.Last))
	}
	line("attempts", attempts)
	line("handler", letter.Handler)
	line("reason", letter.Reason())
	line("causes", strings.Join(letter.Causes, "\n"))
	line("stack", letter.Stack)
	text, unreadable := letter.Written(nil)
	if unreadable != nil && !errors.Is(letter.Err, unreadable) && unreadable.Error() != letter.Reason() {
		line("unreadable", unreadable.Error())
	}
	if !utf8.Valid(text) {
		text = fmt.Appendf(nil, "%q", text)
	}
	line("command", string(text))
	return b.String()
}
