package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sources"
)

type lettersEditFlags struct {
	selection
	data, file string
	retryNow   bool
}

func newLettersEdit(std streams) *cobra.Command {
	var f lettersEditFlags
	cmd := &cobra.Command{
		Use:   "edit ID",
		Short: "Put another command in the place of a dead letter's",
		Long: `Puts another command in the place of a dead letter's: --data replaces its payload, --file the whole command by a
CloudEvents JSON object. What is written must be a command that this program can handle. A letter keeps its id and its
aggregate, and its command may leave the id out; one whose command could not be read gets those of the new one.`,
		Example: `  orchestrix letters edit 0190163d-8694-739b-aea5-966c26f8ad90 --data '{"amount_cents":500}' --retry --store orders.db
  orchestrix letters edit 0190163d-8694-739b-aea5-966c26f8ad90 --file fixed.json --store orders.db`,
		Args: oneLetter,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (f.data == "") == (f.file == "") {
				return usage("say what it becomes: either --data JSON or --file FILE")
			}
			return f.run(cmd.Context(), std, args)
		},
	}
	f.storeFlag(cmd)
	cmd.Flags().StringVar(&f.data, "data", "", "the payload becomes this `JSON`")
	cmd.Flags().StringVar(&f.file, "file", "", "the command becomes the CloudEvents object in `FILE`, or - for standard input")
	cmd.Flags().BoolVar(&f.retryNow, "retry", false, "run it again at once")
	return cmd
}

func (f *lettersEditFlags) run(ctx context.Context, std streams, args []string) error {
	filter, err := f.filter(args)
	if err != nil {
		return err
	}
	text, err := f.read(std.in)
	if err != nil {
		return err
	}
	registry := orders()
	store, err := openLetters(ctx, f.store, registry)
	if err != nil {
		return err
	}
	defer store.Close()
	id := filter.IDs[0]
	letter, found, err := store.DeadLetter(ctx, id)
	switch {
	case ctx.Err() != nil:
		return interrupted("nothing was changed")
	case err != nil:
		return &exitError{status: exitBroken, cause: err}
	case !found:
		return noLetter(id, f.store)
	}
	cmd, err := f.command(&letter, text)
	if err == nil {
		err = handleable(registry, cmd)
	}
	if err == nil {
		_, err = letter.Edited(cmd)
	}
	if err != nil {
		return usage("nothing was changed: %w", err)
	}
	switch err := store.EditDeadLetter(ctx, id, cmd); {
	case errors.Is(err, engine.ErrReused):
		return usage("nothing was changed: %w", err)
	case err != nil:
		return &exitError{status: exitBroken, cause: err}
	}
	if _, err := fmt.Fprintf(std.out, "dead letter %s was edited\n", id); err != nil {
		return err
	}
	if cmd.ID != id {
		if _, err := fmt.Fprintf(std.out, "its id is that of its command now: %s\n", cmd.ID); err != nil {
			return err
		}
	}
	if !f.retryNow {
		return nil
	}
	r := replay{registry: registry, store: store, path: f.store}
	return r.run(ctx, std, sources.LetterFilter{IDs: []engine.ID{cmd.ID}})
}

// read gives the object of --file.
func (f *lettersEditFlags) read(in io.Reader) ([]byte, error) {
	const most = 16 << 20 // as a line of run's input
	switch f.file {
	case "":
		return nil, nil
	case "-":
	default:
		file, err := os.Open(f.file)
		if err != nil {
			return nil, usage("cannot read the command: %w", err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("it has more than %d bytes", most)
	}
	if err != nil {
		return nil, usage("cannot read the command: %w", err)
	}
	return bytes.TrimSpace(text), nil
}

// command makes the command that the letter gets.
func (f *lettersEditFlags) command(letter *engine.DeadLetter, text []byte) (*engine.Command, error) {
	switch {
	case f.file != "":
		return engine.UnmarshalCloudCommand(withID(text, letter.ID))
	case letter.Command.Defect != nil:
		return nil, fmt.Errorf("the command of %s could not be read, so it has no payload to replace: give all of it with --file", letter.ID)
	}
	cmd := *letter.Command
	cmd.Data, cmd.ContentType = engine.Raw(f.data), "application/json"
	return &cmd, nil
}

// withID gives a CloudEvents object that has no id this one. Any other text it leaves alone.
func withID(text []byte, id engine.ID) []byte {
	var object map[string]jsontext.Value
	if err := json.Unmarshal(text, &object); err != nil || object == nil || object["id"] != nil {
		return text
	}
	object["id"] = fmt.Appendf(nil, "%q", id)
	whole, err := json.Marshal(object)
	if err != nil {
		return text
	}
	return whole
}

// handleable makes sure that the command is of a registered type and that its payload can be read.
func handleable(registry *engine.Registry, cmd *engine.Command) error {
	if _, err := registry.Route(cmd); err != nil {
		return err
	}
	_, err := registry.Decode(&cmd.Message)
	return err
}
