package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Policy says what a dead letter means for the later commands of its aggregate.
type Policy uint8

// The two policies.
const (
	// Skip lets them go on. It is the default.
	Skip Policy = iota
	// Park makes them wait behind it, durably and in sequence, until it is replayed or dropped: each becomes a dead letter
	// itself, of state engine.Waiting, without being handled. It needs a store that is an engine.DeadLetterStore.
	Park
)

// ErrParked is the reason of a dead letter that did not fail: its aggregate is parked.
var ErrParked = errors.New("pipeline: the aggregate is parked")

// ParkedError says behind which dead letter a command waits. The command was not handled; it is kept as a dead letter.
type ParkedError struct {
	Aggregate string
	Behind    engine.ID // the dead letter to replay or to drop first
}

// Error names both.
func (e *ParkedError) Error() string {
	return fmt.Sprintf("pipeline: aggregate %q is parked behind dead letter %s: replay that one or drop it", e.Aggregate, e.Behind)
}

// Is matches ErrParked.
func (e *ParkedError) Is(target error) bool { return target == ErrParked }

// checkPolicies finds policies that cannot be kept.
func (o *Options) checkPolicies(registry *engine.Registry, store engine.Store) error {
	var errs []error
	check := func(name string, policy Policy) {
		if policy > Park {
			errs = append(errs, fmt.Errorf("pipeline: Options.%s is %d: give Skip or Park", name, policy))
		}
		if _, keeps := store.(engine.DeadLetterStore); policy == Park && !keeps {
			errs = append(errs, fmt.Errorf("pipeline: Options.%s is Park, and the store %q keeps no dead letters: use one that does, or Skip",
				name, store.Capabilities().Name))
		}
	}
	check("Policy", o.Policy)
	for _, typ := range slices.Sorted(maps.Keys(o.Policies)) {
		check(fmt.Sprintf("Policies[%q]", typ), o.Policies[typ])
		if _, err := registry.Route(&engine.Command{Message: engine.Message{Type: typ}}); err != nil {
			errs = append(errs, fmt.Errorf("pipeline: Options.Policies: %w", err))
		}
	}
	return errors.Join(errs...)
}

// policyOf is the policy for a command.
func (p *Pipeline) policyOf(t *task) Policy {
	typ := t.cmd.Type
	if t.route != nil {
		typ = t.route.Type
	}
	if policy, ok := p.options.Policies[typ]; ok {
		return policy
	}
	return p.options.Policy
}

// park looks whether the aggregate is parked. Then only the command that it is parked behind is handled, which came again;
// those ahead of it wait, and those behind it are for another turn: its letter is gone only when this one is settled.
func (t *turn) park() {
	if t.p.letters == nil || t.tasks[0].err != nil { // the turn before has asked
		return
	}
	var head engine.ID
	var parked bool
	t.at = t.tasks[0]
	err := caught(func() error {
		head, parked = t.p.letters.ParkedBehind(t.lane.id)
		return nil
	})
	if t.at = nil; err != nil {
		for _, task := range t.tasks {
			task.err = cmp.Or(task.err, err)
		}
	}
	if !parked {
		return
	}
	for i, task := range t.tasks {
		if task.cmd.ID == head && task.cmd.Defect == nil {
			t.tasks, t.behind = t.taken[:i+1], t.taken[i+1:]
			return
		}
		task.err, task.waits = &ParkedError{Aggregate: t.lane.id, Behind: head}, true
	}
}
