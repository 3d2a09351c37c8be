package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/orchestrix-go/orchestrix/engine"
)

// nextLetter makes the dead letter of a new command, or now and then that of one that failed before. The ledger is locked.
func (l *ledger) nextLetter() engine.Append {
	if n := len(l.sent); n > 0 && l.random.IntN(8) == 0 {
		return l.letters[l.sent[l.random.IntN(n)]]
	}
	id := engine.NewID()
	cmd := &engine.Command{Message: engine.Message{
		ID: id, Type: "test.ask", Source: "test", Subject: fmt.Sprint("a", l.random.IntN(6)), CorrelationID: id,
		ContentType: "application/octet-stream", Data: engine.Raw(make([]byte, 1+l.random.IntN(5000))),
	}}
	letter := engine.NewDeadLetter(cmd, errors.New("no answer"))
	letter.State = engine.LetterState(l.random.IntN(3))
	a := engine.Append{Aggregate: cmd.Subject, CommandID: id, Expected: engine.Never, Letter: letter}
	l.letters[id], l.sent = a, append(l.sent, id)
	return a
}

// endedLetter gives the id of a letter for a command to end, now and then.
func (l *ledger) endedLetter() (a engine.Append, found bool) {
	if len(l.sent) == 0 || l.random.IntN(4) > 0 {
		return a, false
	}
	id := l.sent[l.random.IntN(len(l.sent))]
	_, tried := l.tried[id]
	return l.letters[id], !tried
}

// noteLetter notes what was answered for a letter.
func (l *ledger) noteLetter(a *engine.Append, result engine.Result) {
	switch {
	case result.Err == nil && result.Letter > 0:
		l.kept[a.CommandID] = result.Letter
	case errors.Is(result.Err, engine.ErrUnknown):
		l.doubt[a.CommandID] = true
	}
}

// checkLetters compares the letters that are there with those that were acknowledged, and what is in the file with what
// is told from memory.
func (l *ledger) checkLetters(store *Store, stored map[engine.ID][]engine.Event) error {
	there := map[engine.ID]engine.DeadLetter{}
	heads, last := map[string]engine.ID{}, uint64(0)
	for letter, err := range store.DeadLetters(context.Background(), 0) {
		if err != nil {
			return fmt.Errorf("read letters: %w", err)
		}
		want, tried := l.letters[letter.ID]
		switch {
		case !tried:
			return violated("letter %s was never sent", letter.ID)
		case letter.Number <= last:
			return violated("letter %s has number %d behind %d", letter.ID, letter.Number, last)
		case len(stored[letter.ID]) > 0:
			return violated("command %s is stored, and a letter too", letter.ID)
		case l.kept[letter.ID] > 0 && l.kept[letter.ID] != letter.Number:
			return violated("letter %s was acknowledged with number %d and has %d", letter.ID, l.kept[letter.ID], letter.Number)
		case l.kept[letter.ID] == 0 && !l.doubt[letter.ID]:
			return violated("letter %s was refused each time, nothing stored, and is there", letter.ID)
		case letter.Command.Subject != want.Aggregate ||
			!bytes.Equal(letter.Command.Data.(engine.Raw), want.Letter.Command.Data.(engine.Raw)):
			return violated("G11: letter %s is not what was kept", letter.ID)
		}
		there[letter.ID], last = letter, letter.Number
		if _, parked := heads[want.Aggregate]; !parked && letter.State != engine.Skipped {
			heads[want.Aggregate] = letter.ID
		}
	}
	for id := range l.kept {
		if _, tried := l.tried[id]; there[id].Number == 0 && !tried {
			return violated("G1: letter %s was acknowledged and is gone", id)
		}
	}
	if n, parked := store.CountDeadLetters(); n != len(there) || parked != len(heads) {
		return violated("%d letters and %d parked aggregates are told, there are %d and %d", n, parked, len(there), len(heads))
	}
	for i := range 6 {
		name := fmt.Sprint("a", i)
		if head, parked := store.ParkedBehind(name); head != heads[name] || parked == head.IsZero() {
			return violated("%q is told to be parked behind %s, it is behind %s", name, head, heads[name])
		}
	}
	return nil
}
