package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// behind makes sure which letter an aggregate is parked behind, and how many are parked.
func (p *probe) behind(aggregate string, want engine.DeadLetter, parked int) {
	p.t.Helper()
	head, is := p.letters().ParkedBehind(aggregate)
	p.True(is, "%q is not parked although a letter is", aggregate)
	p.Equal(want.ID, head, "%q is parked behind another letter than its first", aggregate)
	_, aggregates := p.letters().CountDeadLetters()
	p.Equal(parked, aggregates, "CountDeadLetters counts other aggregates than are parked")
}

// free makes sure that an aggregate is not parked.
func (p *probe) free(aggregate, why string) {
	p.t.Helper()
	head, is := p.letters().ParkedBehind(aggregate)
	p.False(is, why)
	p.Zero(head, why)
}

func letterParks(p *probe) {
	store := p.letters()
	p.free("a", "an aggregate is parked in an empty store")
	p.kept(newLetter("a", engine.Skipped))
	p.free("a", "an aggregate is parked behind a letter that was skipped")
	one, two, three := newLetter("a", engine.Parked), newLetter("a", engine.Waiting), newLetter("a", engine.Waiting)
	letters := p.kept(one, two, three)
	p.behind("a", letters[0], 1)
	p.free("b", "an aggregate is parked behind the letter of another")
	others := p.kept(newLetter("b", engine.Waiting), newLetter("b", engine.Parked))
	p.behind("b", others[0], 2)
	p.kept(again(one, engine.Parked), again(two, engine.Parked))
	p.behind("a", letters[0], 2)
	stored := newAppend("a", engine.Any, 1)
	stored.CommandID = one.CommandID
	p.stored(stored)
	p.behind("a", letters[1], 2)
	n, err := store.DropDeadLetters(p.ctx, three.CommandID) // not the first
	p.NoError(err)
	p.Equal(1, n)
	p.behind("a", letters[1], 2)
	p.kept(again(two, engine.Skipped))
	p.behind("a", letters[1], 2) // what others wait for is not skipped by failing again
	n, err = store.DropDeadLetters(p.ctx, two.CommandID)
	p.NoError(err)
	p.Equal(1, n)
	p.free("a", "an aggregate is parked behind a letter that was dropped")
	p.behind("b", others[0], 1)
}

func letterDropped(p *probe) {
	store := p.letters()
	var batch []engine.Append
	for i := range 20 {
		batch = append(batch, newLetter(fmt.Sprint("a", i%3), engine.LetterState(i%3)))
	}
	letters := p.kept(batch...)
	n, err := store.DropDeadLetters(p.ctx, engine.NewID())
	p.NoError(err, "dropping what is not there is no error")
	p.Zero(n, "letters were dropped that are not there")
	n, err = store.DropDeadLetters(p.ctx)
	p.NoError(err)
	p.Zero(n)
	n, err = store.DropDeadLetters(p.ctx, letters[3].ID, engine.NewID(), letters[7].ID, letters[3].ID, letters[0].ID)
	p.NoError(err)
	p.Equal(3, n, "DropDeadLetters counts others than it dropped")
	gone := letters[7]
	letters = slices.DeleteFunc(letters, func(l engine.DeadLetter) bool {
		return l.ID == batch[3].CommandID || l.ID == batch[7].CommandID || l.ID == batch[0].CommandID
	})
	p.dead("dropped", letters...)
	_, found, err := store.DeadLetter(p.ctx, gone.ID)
	p.NoError(err)
	p.False(found, "a letter that was dropped is found")
	p.Greater(p.kept(batch[7])[0].Number, letters[len(letters)-1].Number, "a letter that was dropped came back to its old place")
	all := make([]engine.ID, len(batch))
	for i := range batch {
		all[i] = batch[i].CommandID
	}
	n, err = store.DropDeadLetters(p.ctx, all...)
	p.NoError(err)
	p.Equal(18, n)
	p.dead("all were dropped")
	p.free("a1", "an aggregate is parked behind a letter that was dropped")
}

func letterEdited(p *probe) {
	store := p.letters()
	parked, unread := newLetter("a", engine.Parked), engine.Append{Expected: engine.Never}
	unread.Letter = engine.NewDeadLetter(&engine.Command{
		Message: engine.Message{Data: engine.Raw("{half")}, Origin: "in.jsonl:7", Defect: errors.New("not JSON"),
	}, errors.New("not JSON"))
	letters := p.kept(parked, unread, newLetter("b", engine.Skipped))

	edited := *letters[0].Command
	edited.Data, edited.Schema = engine.Raw(`{"n":2}`), "3"
	p.NoError(store.EditDeadLetter(p.ctx, letters[0].ID, &edited))
	letters[0].Command = &edited
	p.dead("a letter that was edited has another command, and is else as it was", letters...)
	p.behind("a", letters[0], 1)

	fixed := *newLetter("c", engine.Skipped).Letter.Command
	fixed.Origin = ""
	for why, spoil := range map[string]func(c *engine.Command){
		"another id": func(c *engine.Command) { c.ID = engine.NewID() }, "another aggregate": func(c *engine.Command) { c.Subject = "z" },
		"no id": func(c *engine.Command) { c.ID = engine.ID{} }, "a defect": func(c *engine.Command) { c.Defect = errors.New("no") },
	} {
		bad := edited
		spoil(&bad)
		p.Error(store.EditDeadLetter(p.ctx, letters[0].ID, &bad), "a letter was edited to have "+why)
	}
	p.Error(store.EditDeadLetter(p.ctx, engine.NewID(), &fixed), "a letter was edited that is not there")
	p.Error(store.EditDeadLetter(p.ctx, letters[0].ID, nil))
	taken := *letters[2].Command
	p.ErrorIs(store.EditDeadLetter(p.ctx, letters[1].ID, &taken), engine.ErrReused, "a letter got the id of another")
	done := newAppend("c", engine.NoStream, 1)
	p.stored(done)
	taken = fixed
	taken.ID = done.CommandID
	p.ErrorIs(store.EditDeadLetter(p.ctx, letters[1].ID, &taken), engine.ErrReused, "a letter got the id of a command that is stored")
	p.dead("an edit that was refused changed something", letters...)

	p.NoError(store.EditDeadLetter(p.ctx, letters[1].ID, &fixed))
	before := letters[1].ID
	letters[1].ID, letters[1].Command = fixed.ID, &fixed
	letters[1].Command.Origin = "in.jsonl:7"
	p.dead("a letter that could be read only now has the id of its command", letters...)
	_, found, err := store.DeadLetter(p.ctx, before)
	p.NoError(err)
	p.False(found, "an edited letter is found by its old id too")
	elsewhere := again(newLetter("d", engine.Skipped), engine.Skipped)
	elsewhere.CommandID, elsewhere.Letter.ID = fixed.ID, fixed.ID
	p.refused(elsewhere, engine.ErrReused, "an edited letter is not its command's aggregate's")
	fails := newLetter("c", engine.Skipped)
	fails.CommandID, fails.Letter.ID, fails.Letter.Command = fixed.ID, fixed.ID, &fixed
	p.Equal(letters[1].Number, p.kept(fails)[0].Number, "an edited letter that fails again has another number")
	stored := newAppend("c", engine.Any, 1)
	stored.CommandID = fixed.ID
	p.stored(stored)
	p.dead("the command of an edited letter is stored", letters[0], letters[2])
}

func letterLimit(p *probe) {
	store := p.letters()
	p.ctx = p.t.Context() // as long as it takes
	var last engine.Append
	for n := 0; n < engine.MaxDeadLetters; {
		batch := make([]engine.Append, min(4000, engine.MaxDeadLetters-n))
		for i := range batch {
			id := engine.NewID() // no more than a letter must have: there are many
			cmd := &engine.Command{Message: engine.Message{
				ID: id, Type: "t", Source: "s", Subject: "a", CorrelationID: id, Data: engine.Raw(`{}`),
			}}
			batch[i] = engine.Append{
				Aggregate: "a", CommandID: id, Expected: engine.Never, Letter: &engine.DeadLetter{ID: id, Command: cmd},
			}
		}
		for _, result := range p.store.Append(p.ctx, batch) {
			if result.Err != nil || result.Letter == 0 {
				p.NoError(result.Err, "G10: a letter within the limit was refused")
				p.NotZero(result.Letter)
			}
		}
		last = batch[len(batch)-1]
		n += len(batch)
	}
	more := newLetter("a", engine.Parked)
	stored := newAppend("a", engine.Any, 1)
	results := p.call(more, stored)
	p.ErrorIs(results[0].Err, engine.ErrLimit, "G10: more letters are kept than the limit")
	p.NoError(results[1].Err, "an append was refused for its neighbour's fault")
	p.free("a", "a letter was refused and is there")
	count, _ := store.CountDeadLetters()
	p.Equal(engine.MaxDeadLetters, count, "G10: more letters are kept than the limit")
	p.NotZero(p.append(again(last, engine.Skipped)).Letter, "a letter that is there takes no more room when it is kept again")
	n, err := store.DropDeadLetters(p.ctx, last.CommandID)
	p.NoError(err)
	p.Equal(1, n)
	p.kept(more)
}

func letterIteration(p *probe) {
	store := p.letters()
	var batch []engine.Append
	for range 600 {
		batch = append(batch, newLetter("a", engine.Skipped))
	}
	letters := p.kept(batch...)
	n := 0
	for letter, err := range store.DeadLetters(p.ctx, 0) { // uses the store meanwhile
		p.NoError(err)
		p.Equal(letters[n].ID, letter.ID, "an iteration over letters that go and come skips or repeats some")
		n++
		if n%100 == 0 {
			_, err := store.DropDeadLetters(p.ctx, letter.ID)
			p.NoError(err)
			p.kept(newLetter("late", engine.Skipped))
		}
	}
	p.Equal(600, n, "an iteration gives the letters that were there when it began")
	for range 20 { // breaking off releases everything
		for _, err := range store.DeadLetters(p.ctx, 0) {
			p.NoError(err)
			break
		}
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	n = 0
	for _, err := range store.DeadLetters(ctx, 0) {
		if n++; n == 3 {
			cancel()
		}
		if n > 3 {
			p.ErrorIs(err, context.Canceled, "an iteration over letters goes on when its context is done")
			break
		}
	}
	p.Equal(4, n, "an iteration over letters ended in silence when its context was done")
	_, _, err := store.DeadLetter(ctx, letters[1].ID)
	p.ErrorIs(err, context.Canceled, "DeadLetter must look at its context")
	_, err = store.DropDeadLetters(ctx, letters[1].ID)
	p.ErrorIs(err, context.Canceled, "DropDeadLetters must look at its context")
	p.ErrorIs(store.EditDeadLetter(ctx, letters[1].ID, letters[1].Command), context.Canceled, "EditDeadLetter must look at its context")
	p.NoError(p.store.Close())
	for _, err := range store.DeadLetters(p.ctx, 0) {
		p.ErrorIs(err, engine.ErrClosed, "DeadLetters of a closed store")
	}
	_, _, err = store.DeadLetter(p.ctx, letters[1].ID)
	p.ErrorIs(err, engine.ErrClosed, "DeadLetter of a closed store")
	_, err = store.DropDeadLetters(p.ctx, letters[1].ID)
	p.ErrorIs(err, engine.ErrClosed, "DropDeadLetters of a closed store")
	p.ErrorIs(store.EditDeadLetter(p.ctx, letters[1].ID, letters[1].Command), engine.ErrClosed, "EditDeadLetter of a closed store")
}

func reopenKeepsLetters(p *probe, reopen func() *probe) {
	if _, ok := p.store.(engine.DeadLetterStore); !ok {
		return
	}
	one, two, gone := newLetter("a", engine.Parked), newLetter("a", engine.Waiting), newLetter("b", engine.Parked)
	unread := engine.Append{Expected: engine.Never, Letter: engine.NewDeadLetter(&engine.Command{
		Message: engine.Message{Data: engine.Raw("\xff{half")}, Origin: "in.jsonl:7", Defect: errors.New("not JSON"),
	}, errors.New("not JSON"))}
	letters := p.kept(one, two, unread, gone)
	edited := *letters[1].Command
	edited.Data = engine.Raw(`{"n":2}`)
	p.NoError(p.letters().EditDeadLetter(p.ctx, letters[1].ID, &edited))
	letters[1].Command = &edited
	n, err := p.letters().DropDeadLetters(p.ctx, gone.CommandID)
	p.NoError(err)
	p.Equal(1, n)
	for range 2 {
		p = reopen()
		p.dead("G1: dead letters are others after reopening", letters[:3]...)
		p.behind("a", letters[0], 1)
		p.free("b", "a letter that was dropped parks its aggregate after reopening")
	}
	late := p.kept(newLetter("c", engine.Skipped))[0]
	p.Greater(late.Number, letters[3].Number, "a number that was given is given again after reopening")
	letters[0] = p.kept(again(one, engine.Parked))[0]
	stored := newAppend("a", engine.Any, 1)
	stored.CommandID = two.CommandID
	p.stored(stored)
	p = reopen()
	p.dead("G1: dead letters are others after reopening", letters[0], letters[2], late)
	p.behind("a", letters[0], 1)
}
