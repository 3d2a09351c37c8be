package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/orchestrix-go/orchestrix/engine"
)

// lettersListed is how many aggregates and reasons are shown.
const lettersListed = 20

// letterTotals is what a store has of dead letters, by aggregate and by reason: those with the most first.
type letterTotals struct {
	Letters    int           `json:"letters"`
	Parked     int           `json:"parked"` // aggregates
	Aggregates []letterTotal `json:"aggregates,omitempty"`
	Reasons    []letterTotal `json:"reasons,omitempty"` // of those that failed
}

// letterTotal is how many dead letters there are of a name.
type letterTotal struct {
	Name    string `json:"name"`
	Letters int    `json:"letters"`
	Parked  bool   `json:"parked,omitempty"`
}

func countLetters(ctx context.Context, store engine.DeadLetterStore) (*letterTotals, error) {
	c := &letterTotals{}
	_, c.Parked = store.CountDeadLetters()
	aggregates, reasons := map[string]int{}, map[string]int{}
	for letter, err := range store.DeadLetters(ctx, 0) {
		if err != nil {
			return nil, err
		}
		c.Letters++
		aggregates[letter.Command.Subject]++
		if letter.State != engine.Waiting {
			reasons[reasonOf(&letter)]++
		}
	}
	c.Aggregates, c.Reasons = most(aggregates), most(reasons)
	for i := range c.Aggregates {
		_, c.Aggregates[i].Parked = store.ParkedBehind(c.Aggregates[i].Name)
	}
	return c, nil
}

// reasonOf is why a letter is one, without the handler and the command that an engine.HandlerError names before: letters that
// failed alike have one reason, and a table has room for it. It is a part of the whole reason, so --reason finds it.
func reasonOf(letter *engine.DeadLetter) string {
	named := engine.HandlerError{Handler: letter.Handler, Type: letter.Command.Type, ID: letter.Command.ID, Err: errors.New("")}
	return strings.TrimPrefix(letter.Reason(), named.Error())
}

// most gives those with the most letters.
func most(counts map[string]int) []letterTotal {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	var list []letterTotal
	for _, name := range names[:min(len(names), lettersListed)] {
		list = append(list, letterTotal{Name: name, Letters: counts[name]})
	}
	return list
}

func (c *letterTotals) print(w io.Writer) {
	if c == nil {
		return
	}
	fmt.Fprintf(w, "in store   %s, %s parked\n", counted(c.Letters, "dead letter"), counted(c.Parked, "aggregate"))
	for _, a := range c.Aggregates {
		name := strconv.Quote(a.Name)
		if a.Name == "" { // no aggregate has that name: what was read is no command
			name = "(unreadable)"
		}
		fmt.Fprintf(w, "           %s: %s%s\n", name, count(a.Letters), map[bool]string{true: ", parked"}[a.Parked])
	}
	for _, r := range c.Reasons {
		fmt.Fprintf(w, "           %s for: %s\n", counted(r.Letters, "dead letter"), r.Name)
	}
}
