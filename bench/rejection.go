package bench

import (
	"cmp"
	"maps"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Bounds of what is kept of rejections, and of what a Result has of them.
const (
	reasonsCounted = 1000
	reasonsTold    = 20
)

// A Rejection is a reason for which commands were rejected, and one of them to look at.
type Rejection struct {
	Reason   string    `json:"reason"`
	Commands int       `json:"commands"`
	Example  engine.ID `json:"example"`          // a command
	Origin   string    `json:"origin,omitempty"` // of the example: its place in the input
}

// rejections counts commands by the reason of their rejection. Of reasons that come later than a thousand others, as those
// with a number in them do, it counts none.
type rejections map[string]*Rejection

func (r rejections) add(cmd *engine.Command, reason string) {
	one := r[reason]
	if one == nil && len(r) == reasonsCounted {
		return
	}
	if one == nil {
		one = &Rejection{Reason: reason, Example: cmd.ID, Origin: cmd.Origin}
		r[reason] = one
	}
	one.Commands++
}

// why gives the reasons for which most commands were rejected so far.
func (a *Audit) why() []Rejection {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := slices.SortedFunc(maps.Values(a.rejections), func(x, y *Rejection) int {
		return cmp.Or(cmp.Compare(y.Commands, x.Commands), cmp.Compare(x.Reason, y.Reason))
	})
	var most []Rejection
	for _, one := range all[:min(len(all), reasonsTold)] {
		most = append(most, *one)
	}
	return most
}
