package engine

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// Bounds of what is kept of a letter.
const (
	mostCauses  = 16
	mostText    = 64 << 10 // bytes of the reason, and of the stack
	mostCause   = 4 << 10  // bytes of one cause, and of the names of the handler and the origin
	mostWritten = 32 << 20 // bytes of the command: twice the longest line that sources.JSONLines reads
)

// Reason gives the text of Err, or of the command's Defect when there is no other; it may be empty.
func (l *DeadLetter) Reason() string {
	err := l.Err
	if err == nil && l.Command != nil {
		err = l.Command.Defect
	}
	if err == nil {
		return ""
	}
	return shorten(err.Error(), mostText)
}

// Kept gives the letter as stores keep it: its texts are valid UTF-8 of bounded length, its errors are nothing but their
// texts, its command settles nothing.
func (l *DeadLetter) Kept() DeadLetter {
	kept, cmd := *l, *l.Command
	kept.Err = textError(l.Reason())
	kept.Causes = nil
	for _, cause := range l.Causes[:min(len(l.Causes), mostCauses)] {
		kept.Causes = append(kept.Causes, shorten(cause, mostCause))
	}
	kept.Handler, kept.Stack = shorten(l.Handler, mostCause), shorten(l.Stack, mostText)
	kept.First, kept.Last = l.First.Round(0).UTC(), l.Last.Round(0).UTC()
	cmd.Origin, cmd.Settled = shorten(cmd.Origin, mostCause), nil
	if cmd.Defect != nil {
		cmd.Defect = textError(cmp.Or(shorten(cmd.Defect.Error(), mostText), "engine: unreadable"))
	}
	kept.Command = &cmd
	return kept
}

// textError is an error that is a text and wraps nothing; none for no text.
func textError(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// shorten makes a text valid UTF-8 of bounded length, and leaves one alone that is.
func shorten(text string, most int) string {
	const more = "…"
	short := strings.ToValidUTF8(text[:min(len(text), most)], "\uFFFD")
	if len(text) > most || len(short) > most {
		short = strings.ToValidUTF8(short[:min(len(short), most-len(more))], "") + more // the cut may go through a rune
	}
	return short
}

// Again gives the letter that a store keeps in the place of one with the same id. All of it is new but for the number, and
// an aggregate that is parked stays so: a letter that others wait for is Parked when it fails again, under any policy. A
// command that only waits did not fail again: the letter that is there stays as it is, but for one that was Skipped, which
// waits from now on.
func (l *DeadLetter) Again(before *DeadLetter) DeadLetter {
	again := l.Kept()
	if l.State == Waiting {
		again = *before
		if before.State == Skipped {
			again.State = Waiting
		}
	} else if before.State != Skipped {
		again.State = Parked
	}
	again.Number = before.Number
	return again
}

// Edited gives the letter with another command, or why it may not have that: a command that could not be read, and for a
// letter that can be read one with another id or for another aggregate.
func (l *DeadLetter) Edited(cmd *Command) (DeadLetter, error) {
	edited := *l
	switch {
	case cmd == nil || cmd.Defect != nil || cmd.ID.IsZero():
		return edited, fmt.Errorf("engine: dead letter %s: the command in its place could not be read or has no id", l.ID)
	case l.Command.Defect == nil && cmd.ID != l.ID:
		return edited, fmt.Errorf("engine: dead letter %s keeps its id, the command has %s", l.ID, cmd.ID)
	case l.Command.Defect == nil && cmd.Subject != l.Command.Subject:
		return edited, fmt.Errorf("engine: dead letter %s keeps its aggregate %q, the command has %q",
			l.ID, clip(l.Command.Subject), clip(cmd.Subject))
	}
	if err := CheckName("aggregate id", cmd.Subject); err != nil {
		return edited, err
	}
	edited.ID, edited.Command = cmd.ID, cmd
	edited = edited.Kept()
	if edited.Command.Origin == "" {
		edited.Command.Origin = l.Command.Origin
	}
	return edited, nil
}

// Written gives the command as it is written down, whatever it holds: a CloudEvents object that [UnmarshalCloudCommand]
// reads; or, with why it is none, what was read, or else the most that can be told of it. Only of a command that has a
// LimitError, more than 32 MiB, there is no text.
func (l *DeadLetter) Written(codec Codec) (text []byte, unreadable error) {
	cmd := l.Command
	if cmd == nil {
		cmd = &Command{}
	}
	text, unreadable = written(cmd, codec)
	if len(text) > mostWritten {
		return nil, &LimitError{What: "dead letter", Why: tooMany(len(text), mostWritten, "bytes")}
	}
	return text, unreadable
}

func written(cmd *Command, codec Codec) (text []byte, unreadable error) {
	message := cmd.Message
	raw, isRaw := message.Data.(Raw)
	if isRaw {
		message.Data = string(raw)
	}
	if cmd.Defect != nil {
		read, isText := message.Data.(string)
		if !isText {
			read = fmt.Sprintf("%+v", message.Data) // a foreign element
		}
		return []byte(read), cmd.Defect
	}
	object, err := cmd.CloudEvent(codec)
	if err != nil {
		return fmt.Appendf(nil, "%+v", message), err
	}
	_, err = UnmarshalCloudCommand(object)
	return object, err
}
