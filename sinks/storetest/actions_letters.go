package storetest

import (
	"errors"
	"fmt"

	"pgregory.net/rapid"

	"github.com/orchestrix-go/orchestrix/engine"
)

// keepsLetters tells whether all stores of a history keep dead letters.
func (h *history) keepsLetters() bool {
	for _, s := range h.subjects {
		if _, ok := s.store.(engine.DeadLetterStore); !ok {
			return false
		}
	}
	return true
}

// letterActions are what else may happen to stores that keep dead letters.
func (h *history) letterActions() map[string]func() {
	if !h.keepsLetters() {
		return nil
	}
	return map[string]func(){
		"keep letters": h.keepLetters, "keep more letters": h.keepLetters, "end a letter": h.endLetter,
		"drop letters": h.dropLetters, "edit a letter": h.editLetter, "read letters": h.readLetters,
	}
}

// deadLetter makes the append of a letter: of a new command, of one that failed before or was used before, or of what could
// not be read.
func (h *history) deadLetter() engine.Append {
	h.made++
	cmd := &engine.Command{Message: engine.Message{
		ID: h.id(), Type: "test.ask", Source: "storetest", Subject: pick(h, "aggregate", aggregates),
		ContentType: "application/json", Data: engine.Raw(fmt.Sprintf(`{"n":%d}`, h.made)),
	}}
	digest := uint64(0)
	switch from := pick(h, "letter of", []string{"new", "new", "kept", "kept", "used", "unread"}); {
	case from == "kept" && len(h.model.letters) > 0:
		if before := pick(h, "letter", h.model.letters); before.Command.Defect == nil {
			cmd.ID, cmd.Subject = before.ID, before.aggregate
		}
	case from == "used" && len(h.used) > 0:
		if before := pick(h, "used", h.used); engine.CheckName("aggregate id", before.Aggregate) == nil {
			cmd.ID, cmd.Subject, digest = before.CommandID, before.Aggregate, before.Digest
		}
	case from == "unread":
		cmd = &engine.Command{Message: engine.Message{Data: engine.Raw(fmt.Sprint("{", h.made%3))}, Defect: errors.New("no JSON")}
	}
	cmd.CorrelationID = cmd.ID
	letter := engine.NewDeadLetter(cmd, fmt.Errorf("failure %d", h.made))
	letter.Attempts = int(h.made % 4)
	a := engine.Append{Aggregate: cmd.Subject, CommandID: cmd.ID, Digest: digest, Expected: engine.Never, Letter: letter}
	if cmd.Defect == nil {
		letter.State = pick(h, "state", []engine.LetterState{engine.Skipped, engine.Parked, engine.Waiting})
	}
	if pick(h, "handled", []bool{true, true, false}) && cmd.Defect == nil {
		return a
	}
	a.CommandID = engine.ID{}
	return a
}

func (h *history) keepLetters() {
	batch := []engine.Append{h.deadLetter()}
	for range rapid.IntRange(0, 3).Draw(h.t, "more") {
		switch pick(h, "kind", []string{"letter", "letter", "fresh", "repeated"}) {
		case "letter":
			batch = append(batch, h.deadLetter())
		case "fresh":
			batch = append(batch, h.fresh())
		case "repeated":
			batch = append(batch, h.repeated())
		}
	}
	h.call(batch)
	h.readLetters()
}

// endLetter appends the events or the rejection of a letter's command.
func (h *history) endLetter() {
	if len(h.model.letters) == 0 {
		return
	}
	a, letter := h.fresh(), pick(h, "letter", h.model.letters)
	if engine.CheckName("aggregate id", letter.aggregate) != nil {
		return
	}
	a.CommandID, a.Aggregate, a.Expected = letter.ID, letter.aggregate, engine.Any
	a.Events = h.events(a.Aggregate, len(a.Events))
	h.call([]engine.Append{a})
	h.readLetters()
}

func (h *history) dropLetters() {
	var ids []engine.ID
	for range rapid.IntRange(0, 3).Draw(h.t, "letters") {
		if len(h.model.letters) > 0 {
			ids = append(ids, pick(h, "letter", h.model.letters).ID)
		}
		ids = append(ids, h.id())
	}
	want := 0
	for _, id := range ids {
		if h.model.drop(id) {
			want++
		}
	}
	for _, s := range h.subjects {
		n, err := s.store.(engine.DeadLetterStore).DropDeadLetters(h.ctx, ids...)
		h.NoError(err)
		h.Equal(want, n, "DropDeadLetters counts others than it dropped")
	}
	h.readLetters()
}

// editLetter gives a letter another command: one that it may have, or that is for another aggregate, or whose id is taken.
func (h *history) editLetter() {
	if len(h.model.letters) == 0 {
		return
	}
	h.made++
	letter := &h.model.letters[rapid.IntRange(0, len(h.model.letters)-1).Draw(h.t, "letter")]
	cmd := &engine.Command{Message: engine.Message{
		ID: letter.ID, Type: "test.ask", Source: "storetest", Subject: letter.aggregate, ContentType: "application/json",
		Data: engine.Raw(fmt.Sprintf(`{"n":%d}`, h.made)), CorrelationID: letter.ID,
	}}
	if letter.Command.Defect != nil {
		cmd.ID, cmd.Subject = h.id(), pick(h, "aggregate", aggregates)
	}
	switch how := pick(h, "edited how", []string{"well", "well", "well", "aggregate", "taken"}); {
	case how == "aggregate":
		cmd.Subject = pick(h, "aggregate", aggregates)
	case how == "taken" && len(h.used) > 0:
		cmd.ID = pick(h, "used", h.used).CommandID
	}
	id := letter.ID
	edited, err := letter.Edited(cmd)
	_, stored := h.model.commands[edited.ID]
	if refused := err != nil || edited.ID != id && (stored || h.model.letter(edited.ID) >= 0); !refused {
		*letter = modelLetter{edited, cmd.Subject}
		err = nil
	} else if err == nil {
		err = engine.ErrReused
	}
	for _, s := range h.subjects {
		got := s.store.(engine.DeadLetterStore).EditDeadLetter(h.ctx, id, cmd)
		h.Equal(err == nil, got == nil, "an edit: want %v, got %v", err, got)
	}
	h.readLetters()
}

// readLetters compares all letters with the model's, and who is parked.
func (h *history) readLetters() {
	for _, s := range h.subjects {
		store := s.store.(engine.DeadLetterStore)
		n := 0
		for letter, err := range store.DeadLetters(h.ctx, 0) {
			h.NoError(err)
			h.Less(n, len(h.model.letters), "there is a dead letter too much: %v", letter)
			want := h.model.letters[n].DeadLetter
			h.letterNumber(s, want.Number, letter.Number)
			letter.Number = want.Number
			h.Equal(want, letter, "dead letter %d", n)
			n++
		}
		h.Equal(len(h.model.letters), n, "dead letters are missing")
		for _, aggregate := range aggregates {
			id, parked := h.model.behind(aggregate)
			head, is := store.ParkedBehind(aggregate)
			h.Equal(id, head, "%q is parked behind another letter", aggregate)
			h.Equal(!id.IsZero(), is, "%q is parked", aggregate)
			letters, aggregates := store.CountDeadLetters()
			h.Equal([]int{n, parked}, []int{letters, aggregates}, "CountDeadLetters")
		}
	}
}

// letterNumber learns the number of a letter, or makes sure that it is still the same.
func (h *history) letterNumber(s *subject, model, got uint64) {
	if known, ok := s.numbers[model]; ok {
		h.Equal(known, got, "a dead letter has another number than before")
		return
	}
	for other, number := range s.numbers {
		h.Equal(other < model, number < got, "the numbers of dead letters do not ascend")
	}
	s.numbers[model] = got
}
