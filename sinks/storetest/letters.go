package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// letters is the store as one that keeps dead letters. A rule of dead letters has nothing to say about any other store.
func (p *probe) letters() engine.DeadLetterStore {
	letters, ok := p.store.(engine.DeadLetterStore)
	if !ok {
		p.t.Skip("the store is no engine.DeadLetterStore")
	}
	return letters
}

// newLetter makes an append that brings the dead letter of a new command.
func newLetter(aggregate string, state engine.LetterState) engine.Append {
	id, now := engine.NewID(), time.Now().UTC().Round(0)
	cmd := &engine.Command{Message: engine.Message{
		ID: id, Type: "test.ask", Source: "storetest", Subject: aggregate, Time: now, Data: engine.Raw(`{"n":1}`),
		ContentType: "application/json", CorrelationID: id,
	}, Origin: "storetest:1"}
	letter := engine.NewDeadLetter(cmd, &engine.HandlerError{
		Type: cmd.Type, ID: id, Handler: "answers", Err: errors.New("no answer"),
	})
	letter.State, letter.Attempts, letter.First, letter.Last = state, 3, now, now.Add(time.Minute)
	return engine.Append{Aggregate: aggregate, CommandID: id, Expected: engine.Never, Letter: letter}
}

// again makes an append that brings a letter once more, for another reason.
func again(a engine.Append, state engine.LetterState) engine.Append {
	letter := *a.Letter
	letter.Err, letter.Causes, letter.Handler = errors.New("another reason"), []string{"another cause"}, "other"
	letter.Attempts, letter.State, letter.Stack = letter.Attempts+4, state, "another stack"
	letter.Last = letter.Last.Add(time.Hour)
	a.Letter = &letter
	return a
}

// kept appends letters that must be kept, and gives them as the store must have them.
func (p *probe) kept(batch ...engine.Append) []engine.DeadLetter {
	p.t.Helper()
	letters := make([]engine.DeadLetter, len(batch))
	for i, result := range p.call(batch...) {
		p.NoError(result.Err, "a dead letter that keeps all rules was refused")
		p.NotZero(result.Letter, "a dead letter was kept and has no number")
		p.Equal(engine.Result{Letter: result.Letter}, result, "a dead letter that was kept has a result besides its number")
		letters[i] = batch[i].Letter.Kept()
		letters[i].Number = result.Letter
	}
	return letters
}

// dead makes sure that these letters are there, in this sequence, and no others.
func (p *probe) dead(why string, want ...engine.DeadLetter) {
	p.t.Helper()
	got := p.deadAfter(0)
	p.Len(got, len(want), why)
	for i := range want {
		p.Equal(want[i], got[i], why)
		found, ok, err := p.letters().DeadLetter(p.ctx, want[i].ID)
		p.NoError(err, "DeadLetter")
		p.True(ok, "a dead letter is read and not found by its id")
		p.Equal(want[i], found, "a dead letter is another one when it is found by its id")
	}
	count, _ := p.letters().CountDeadLetters()
	p.Equal(len(want), count, "CountDeadLetters: "+why)
}

func (p *probe) deadAfter(number uint64) (letters []engine.DeadLetter) {
	p.t.Helper()
	for letter, err := range p.letters().DeadLetters(p.ctx, number) {
		p.NoError(err, "DeadLetters")
		letters = append(letters, letter)
	}
	return letters
}

func letterComesBack(p *probe) {
	p.letters()
	full, binary, bare := newLetter("a", engine.Skipped), newLetter("b", engine.Parked), newLetter("c", engine.Skipped)
	cmd := full.Letter.Command
	cmd.Schema, cmd.CausationID, cmd.TraceParent = "2", engine.NewID(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	cmd.Metadata = map[string]string{"tenant": "acme ✓ \"quoted\"\n"}
	cmd.Settled = func(engine.Outcome) { p.Fail("the letter of a command settled it") }
	full.Letter.Stack, full.Letter.Causes = "goroutine 1:\n\tmain.go:7", []string{"*a.Error: one", "b: 'two'\n"}
	binary.Letter.Command.ContentType, binary.Letter.Command.Data = "application/octet-stream", engine.Raw("\x00\xff")
	bare.Letter = &engine.DeadLetter{ID: bare.CommandID, Command: bare.Letter.Command}
	unread := engine.Append{Expected: engine.Never, Letter: engine.NewDeadLetter(&engine.Command{
		Message: engine.Message{Data: engine.Raw("{half\xff\x00")}, Origin: "in.jsonl:7", Defect: errors.New("not JSON"),
	}, errors.New("not JSON"))}
	long := newLetter("d", engine.Skipped)
	long.Letter.Command.Data = engine.Raw(`"` + strings.Repeat("x", engine.MaxAppendBytes-2) + `"`)
	long.Letter.Err, long.Letter.Stack = errors.New(strings.Repeat("é", 100_000)), strings.Repeat("é", 100_000)
	long.Letter.Causes = make([]string, 100)
	p.dead("a dead letter is not what was kept", p.kept(full, binary, bare, unread, long)...)
	_, found, err := p.letters().DeadLetter(p.ctx, engine.NewID())
	p.NoError(err, "a dead letter that is not there must be no error")
	p.False(found, "there is a dead letter that nobody kept")
}

func letterSequence(p *probe) {
	p.letters()
	var all []engine.DeadLetter
	for i := range 5 {
		batch := []engine.Append{
			newAppend(fmt.Sprint("a", i), engine.Any, 2), newLetter(fmt.Sprint("b", i), engine.Skipped),
			newLetter("c", engine.Skipped), newAppend("d", engine.Any, 1),
		}
		results := p.call(batch...)
		for j, a := range batch {
			p.NoError(results[j].Err)
			if a.Letter == nil {
				p.Zero(results[j].Letter, "an append without a dead letter has the number of one")
				continue
			}
			letter := a.Letter.Kept()
			letter.Number = results[j].Letter
			if len(all) > 0 {
				p.Greater(letter.Number, all[len(all)-1].Number, "the numbers of dead letters do not ascend")
			}
			all = append(all, letter)
		}
	}
	p.dead("dead letters are read in another sequence than they were kept in", all...)
	for i := range all {
		p.Equal(all[i+1:], append([]engine.DeadLetter{}, p.deadAfter(all[i].Number)...), "dead letters behind a number")
	}
	p.Empty(p.deadAfter(all[len(all)-1].Number + 1))
}

func letterNoEvent(p *probe) {
	p.letters()
	first := p.stored(newAppend("a", engine.NoStream, 2))
	log := p.read(0)
	p.kept(newLetter("a", engine.Parked), newLetter("a", engine.Waiting), newLetter("b", engine.Skipped))
	p.Equal(log, p.read(0), "a dead letter changed the log")
	p.Empty(p.load("b"), "a dead letter is an event of its aggregate")
	end, err := p.store.End(p.ctx)
	p.NoError(err)
	p.Equal(first.Position, end, "a dead letter moved the end of the log")
	p.stored(newAppend("a", engine.Exactly(2), 1)) // whether an aggregate is parked is the pipeline's business
	p.stored(newAppend("b", engine.NoStream, 1))
}

func letterOfStored(p *probe) {
	p.letters()
	command, rejection := newAppend("a", engine.NoStream, 1), newAppend("a", engine.Any, 0)
	command.Digest, rejection.Digest, rejection.Rejection = 7, 7, "no"
	for _, a := range []engine.Append{command, rejection} {
		first := p.stored(a)
		first.Duplicate = true
		late := newLetter("a", engine.Parked)
		late.CommandID, late.Letter.ID, late.Digest = a.CommandID, a.CommandID, a.Digest
		p.Equal([]engine.Result{first}, p.call(late), "a command that is stored was answered with a dead letter")
		p.dead("the dead letter of a command that is stored was kept")
		late.Digest = 8
		p.refused(late, engine.ErrReused, "G6: a command id that is stored was accepted for a command that says something else")
		late.Digest, late.Aggregate = a.Digest, "b"
		p.refused(late, engine.ErrReused, "G6: a command id that is stored was accepted for another aggregate")
		p.dead("a refused dead letter was kept")
	}
	unread := newLetter("a", engine.Skipped)
	unread.CommandID, unread.Letter.ID = engine.ID{}, command.CommandID
	p.dead("what could not be read was not kept, for it bears the id of a command", p.kept(unread)...)
}

func letterEnds(p *probe) {
	p.letters()
	events, rejected, empty := newLetter("a", engine.Parked), newLetter("a", engine.Waiting), newLetter("b", engine.Parked)
	within, other, twice := newLetter("b", engine.Skipped), newLetter("c", engine.Skipped), newLetter("d", engine.Skipped)
	letters := p.kept(events, rejected, empty, other)
	end := func(a engine.Append, n int) engine.Append {
		stored := newAppend(a.Aggregate, engine.Any, n)
		stored.CommandID = a.CommandID
		return stored
	}
	wrong := end(events, 1)
	wrong.Expected = engine.Exactly(9)
	p.refused(wrong, engine.ErrConflict, "G4")
	p.dead("an append that was refused removed a dead letter", letters...)
	p.stored(end(events, 2))
	p.dead("a command is stored and a dead letter too", letters[1:]...)
	refused := end(rejected, 0)
	refused.Rejection = "no"
	p.stored(refused)
	p.stored(end(empty, 0))
	p.dead("a command is stored and a dead letter too", letters[3])
	_, parked := p.letters().ParkedBehind("a")
	p.False(parked, "an aggregate is parked behind a command that is stored")
	for i, result := range p.call(within, end(within, 1), end(within, 1), within) { // kept and ended by one call
		p.NoError(result.Err)
		p.Equal(i > 1, result.Duplicate, "append %d", i)
	}
	p.dead("a command is stored and a dead letter too", letters[3])
	p.stored(end(twice, 1))
	unread := twice
	unread.CommandID = engine.ID{} // kept although its id is stored
	p.kept(unread)
	p.NoError(p.append(end(twice, 1)).Err)
	p.dead("a repeat of a stored command left its dead letter", letters[3])
}

func letterKeptAgain(p *probe) {
	p.letters()
	first, second, third := newLetter("a", engine.Skipped), newLetter("a", engine.Parked), newLetter("b", engine.Skipped)
	letters := p.kept(first, second, third)
	for i, a := range []engine.Append{
		again(first, engine.Parked), again(second, engine.Skipped), again(third, engine.Skipped), again(first, engine.Skipped),
	} {
		i %= len(letters)
		a.Letter.Command = &engine.Command{Message: a.Letter.Command.Message, Origin: "elsewhere:1"}
		kept := p.kept(a)
		p.Equal(letters[i].Number, kept[0].Number, "a dead letter that was kept again has another number")
		if letters[i].State != engine.Skipped {
			kept[0].State = engine.Parked // what others wait for is not skipped by failing again
		}
		letters[i] = kept[0]
		p.dead("a dead letter that was kept again", letters...)
	}
	elsewhere := newLetter("c", engine.Skipped)
	elsewhere.CommandID, elsewhere.Letter.ID = first.CommandID, first.CommandID
	p.refused(elsewhere, engine.ErrReused, "a dead letter took the place of another aggregate's")
	p.dead("a refused dead letter changed something", letters...)
}

func letterWaitsAgain(p *probe) {
	p.letters()
	skipped, parked, waiting := newLetter("a", engine.Skipped), newLetter("a", engine.Parked), newLetter("a", engine.Waiting)
	letters := p.kept(skipped, parked, waiting)
	letters[0].State = engine.Waiting
	for i, a := range []engine.Append{skipped, parked, waiting} {
		a = again(a, engine.Waiting)
		a.Letter.Command = &engine.Command{Message: a.Letter.Command.Message, Origin: "elsewhere:1"}
		p.Equal(letters[i].Number, p.kept(a)[0].Number, "a dead letter that waits again has another number")
	}
	p.dead("a dead letter that came again only to wait must keep what is known of it", letters...)
	head, _ := p.letters().ParkedBehind("a")
	p.Equal(letters[0].ID, head, "a letter that was skipped and waits now is the first that others wait for")
}

func letterChain(p *probe) {
	p.letters()
	chained := newAppend("a", engine.Any, 1)
	chained.Chained = true
	results := p.call(newLetter("a", engine.Skipped), chained)
	p.NoError(results[0].Err)
	p.ErrorIs(results[1].Err, engine.ErrConflict, "G3: an append was stored that is chained to a dead letter")
	behind := newLetter("a", engine.Skipped)
	behind.Chained = true
	results = p.call(newAppend("a", engine.Exactly(7), 1), behind)
	p.ErrorIs(results[1].Err, engine.ErrConflict, "a dead letter was kept that is chained to an append that was not stored")
	count, _ := p.letters().CountDeadLetters()
	p.Equal(1, count, "a dead letter was kept that is chained to an append that was not stored")
	first, second := newLetter("a", engine.Parked), newLetter("a", engine.Waiting)
	second.Chained = true
	p.kept(first, second) // one behind the other
	third := newLetter("a", engine.Waiting)
	third.Chained = true
	first.Letter = &engine.DeadLetter{ID: first.CommandID}
	results = p.call(first, third)
	p.ErrorIs(results[0].Err, engine.ErrLimit)
	p.ErrorIs(results[1].Err, engine.ErrConflict, "a dead letter was kept that is chained to one that was refused")
}

func letterContradictions(p *probe) {
	p.letters()
	for why, spoil := range map[string]func(a *engine.Append){
		"expects a version": func(a *engine.Append) { a.Expected = engine.Any },
		"has events":        func(a *engine.Append) { a.Events = newEvents("a", 1) },
		"has a rejection":   func(a *engine.Append) { a.Rejection = "no" },
		"has no command":    func(a *engine.Append) { a.Letter = &engine.DeadLetter{ID: a.CommandID} },
		"has no id":         func(a *engine.Append) { a.Letter.ID = engine.ID{} },
		"has no state":      func(a *engine.Append) { a.Letter.State = 3 },
		"parks nobody":      func(a *engine.Append) { a.Aggregate, a.Letter.State = "", engine.Parked },
		"parks a bad name":  func(a *engine.Append) { a.Aggregate, a.Letter.State = "a\n", engine.Waiting },
	} {
		a := newLetter("a", engine.Skipped)
		spoil(&a)
		p.refused(a, engine.ErrLimit, "G10: a dead letter was kept whose append "+why)
	}
	p.dead("G10: a refused dead letter was kept")
	p.Empty(p.read(0))
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	p.ErrorIs(p.store.Append(ctx, []engine.Append{newLetter("a", engine.Skipped)})[0].Err, context.Canceled)
	p.dead("a dead letter was kept for a context that was done")
}
