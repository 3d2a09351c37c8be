package storetest_test

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// dead is a dead letter that a canary keeps.
type dead struct {
	engine.DeadLetter
	aggregate string
}

// place gives where a letter stands, or -1.
func (c *canary) place(id engine.ID) int {
	if at, ok := c.disk.places[id]; ok && at < len(c.disk.letters) && c.disk.letters[at].ID == id {
		return at
	}
	at := slices.IndexFunc(c.disk.letters, func(d dead) bool { return d.ID == id })
	if at >= 0 {
		c.disk.places[id] = at
	}
	return at
}

// keepLetter keeps the letter of an append.
func (c *canary) keepLetter(a *engine.Append) engine.Result {
	d := c.disk
	at := -1
	if _, ever := d.places[a.Letter.ID]; ever {
		at = c.place(a.Letter.ID)
	}
	full := len(d.letters) >= engine.MaxDeadLetters && !c.has("letters have no limit")
	if _, stored := d.commands[a.Letter.ID]; stored && c.has("what bears the id of a command is lost") {
		return engine.Result{Letter: d.numbers + 1}
	}
	switch {
	case full && (at < 0 || c.has("a letter that is there takes more room")):
		return engine.Result{Err: &engine.LimitError{What: "store", Why: "is full of dead letters"}}
	case at < 0:
		d.numbers++
		if c.has("a letter takes a position") {
			d.end++
		}
		if c.has("a letter takes a version") {
			d.versions[a.Aggregate]++
		}
		letter := c.spoilLetter(a.Letter.Kept())
		letter.Number = d.numbers
		if c.has("letters have no numbers") {
			letter.Number = 1
		}
		d.places[letter.ID] = len(d.letters)
		d.letters = append(d.letters, dead{letter, a.Aggregate})
		return engine.Result{Letter: letter.Number}
	}
	before := d.letters[at]
	if before.aggregate != a.Aggregate && !c.has("a letter takes another aggregate's place") {
		return engine.Result{Err: &engine.ReusedError{CommandID: before.ID, First: before.aggregate, Again: a.Aggregate}}
	}
	letter := a.Letter.Again(&before.DeadLetter)
	switch {
	case c.has("a letter is not renewed"):
		letter = before.DeadLetter
	case c.has("a letter that waits again is renewed") && a.Letter.State == engine.Waiting:
		letter = a.Letter.Kept()
		letter.Number = before.Number
	case c.has("failing again frees the aggregate") && a.Letter.State == engine.Skipped:
		letter.State = engine.Skipped
	case c.has("a skipped letter does not wait") && a.Letter.State == engine.Waiting:
		letter.State = before.State
	case c.has("a letter moves when it is kept again"):
		d.numbers++
		letter.Number = d.numbers
		d.letters = append(slices.Delete(d.letters, at, at+1), dead{letter, before.aggregate})
		return engine.Result{Letter: letter.Number}
	}
	d.letters[at] = dead{letter, before.aggregate}
	return engine.Result{Letter: letter.Number}
}

// spoilLetter changes what must come back as it was kept.
func (c *canary) spoilLetter(letter engine.DeadLetter) engine.DeadLetter {
	switch {
	case c.has("letters lose their causes"):
		letter.Causes = nil
	case c.has("letters lose their stack"):
		letter.Stack = ""
	case c.has("letters keep their error"):
		letter.Err = &engine.HandlerError{Err: letter.Err}
	case c.has("letters lose where they come from"):
		letter.Command.Origin = ""
	case c.has("letters lose the payload's bytes") && letter.Command.Defect != nil:
		letter.Command.Data = engine.Raw("?")
	}
	return letter
}

// endLetter removes the letter of a command that is answered.
func (c *canary) endLetter(a *engine.Append, result *engine.Result) {
	switch {
	case result.Err != nil && !c.has("a conflict removes the letter"), result.Letter > 0, a.CommandID.IsZero(),
		c.has("a stored command leaves its letter"),
		c.has("a rejected command leaves its letter") && a.Rejection != "",
		c.has("a repeat leaves the letter") && result.Duplicate:
		return
	}
	c.dropLetter(a.CommandID)
}

func (c *canary) dropLetter(id engine.ID) bool {
	at := c.place(id)
	if at >= 0 {
		c.disk.letters = slices.Delete(c.disk.letters, at, at+1)
	}
	return at >= 0
}

func (c *canary) DeadLetters(ctx context.Context, after uint64) iter.Seq2[engine.DeadLetter, error] {
	return func(yield func(engine.DeadLetter, error) bool) {
		c.gate <- struct{}{}
		closed, letters := c.closed, slices.Clone(c.disk.letters)
		if c.has("an iteration over letters holds the store") {
			defer c.unlock()
		} else {
			c.unlock()
		}
		if closed && !c.has("a closed store gives letters") {
			yield(engine.DeadLetter{}, engine.ErrClosed)
			return
		}
		if c.has("letters are read backwards") {
			slices.Reverse(letters)
		}
		if c.has("letters are read from their number on") && after > 0 {
			after--
		}
		for i := 0; i < len(letters); i++ {
			if err := ctx.Err(); err != nil && !c.has("an iteration over letters ignores its context") {
				yield(engine.DeadLetter{}, err)
				return
			}
			if letters[i].Number > after && !yield(letters[i].DeadLetter, nil) {
				return
			}
			if c.has("letters that come are read too") && i == len(letters)-1 {
				last := letters[i].Number
				for _, l := range c.disk.letters {
					if l.Number > last {
						letters = append(letters, l)
					}
				}
			}
		}
	}
}

func (c *canary) DeadLetter(ctx context.Context, id engine.ID) (engine.DeadLetter, bool, error) {
	if err := ctx.Err(); err != nil && !c.has("DeadLetter ignores its context") {
		return engine.DeadLetter{}, false, err
	}
	c.gate <- struct{}{}
	defer c.unlock()
	if c.closed {
		return engine.DeadLetter{}, false, engine.ErrClosed
	}
	if at := c.place(id); at >= 0 {
		return c.disk.letters[at].DeadLetter, true, nil
	}
	if c.has("no letter is an error") {
		return engine.DeadLetter{}, false, engine.ErrCorrupt
	}
	return engine.DeadLetter{}, false, nil
}

func (c *canary) CountDeadLetters() (letters, parked int) {
	c.gate <- struct{}{}
	defer c.unlock()
	aggregates := map[string]bool{}
	for _, l := range c.disk.letters {
		if l.State != engine.Skipped || c.has("every letter parks") {
			aggregates[l.aggregate] = true
		}
	}
	return len(c.disk.letters), len(aggregates)
}

func (c *canary) ParkedBehind(aggregate string) (engine.ID, bool) {
	c.gate <- struct{}{}
	defer c.unlock()
	letters := slices.Clone(c.disk.letters)
	if c.has("parked behind the last letter") {
		slices.Reverse(letters)
	}
	for _, l := range letters {
		switch {
		case l.aggregate != aggregate && !c.has("a letter parks all aggregates"):
		case l.State == engine.Parked, l.State == engine.Waiting && !c.has("letters that wait park nobody"),
			c.has("every letter parks"):
			return l.ID, true
		}
	}
	return engine.ID{}, false
}

func (c *canary) DropDeadLetters(ctx context.Context, ids ...engine.ID) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := c.lock(ctx); err != nil {
		return 0, err
	}
	defer c.unlock()
	switch {
	case c.closed:
		return 0, engine.ErrClosed
	case c.has("dropping counts what it was asked for"):
		n = len(ids)
	}
	for _, id := range ids {
		if c.has("dropping leaves the letter") || !c.dropLetter(id) {
			continue
		}
		if n++; c.has("dropping stops behind the first") {
			break
		}
	}
	return n, nil
}

func (c *canary) EditDeadLetter(ctx context.Context, id engine.ID, cmd *engine.Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	at := c.place(id)
	switch {
	case c.closed:
		return engine.ErrClosed
	case at < 0 && c.has("an edit of nothing is none"), c.has("an edit changes nothing"):
		return nil
	case at < 0:
		return errors.New("there is no such letter")
	}
	d := c.disk
	edited, err := d.letters[at].Edited(cmd)
	if err != nil {
		if cmd == nil || !c.has("an edit takes any command") {
			return err
		}
		edited.Command = cmd
	}
	_, stored := d.commands[edited.ID]
	if edited.ID != id && (stored || c.place(edited.ID) >= 0) && !c.has("an edit takes any id") {
		return &engine.ReusedError{CommandID: edited.ID, Again: cmd.Subject}
	}
	switch {
	case c.has("an edit skips the letter"):
		edited.State = engine.Skipped
	case c.has("an edited letter keeps its id"):
		edited.ID = id
	}
	aggregate := cmd.Subject
	if c.has("an edited letter keeps its aggregate") {
		aggregate = d.letters[at].aggregate
	}
	d.letters[at] = dead{edited, aggregate}
	d.places[edited.ID] = at
	return nil
}

// forgetLetters is what goes wrong with letters when a store is opened again.
func (c *canary) forgetLetters() {
	d := c.disk
	switch {
	case c.has("reopening forgets letters"):
		d.letters = nil
	case c.has("reopening gives numbers again"):
		d.numbers = uint64(len(d.letters))
	}
	for i := range d.letters {
		switch {
		case c.has("reopening forgets who is parked"):
			d.letters[i].State = engine.Skipped
		case c.has("reopening loses the bytes of letters"):
			d.letters[i].Command = &engine.Command{Message: d.letters[i].Command.Message}
		}
	}
}
