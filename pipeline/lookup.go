package pipeline

import (
	"reflect"

	"github.com/orchestrix-go/orchestrix/engine"
)

// lookup is the route that was found last, and by what.
type lookup struct {
	route  *engine.Route
	pace   *pace
	typ    string
	goType reflect.Type
}

// routeOf finds the route of a command. Most commands of a turn are of the type of the one before.
func (t *turn) routeOf(task *task) error {
	cmd, l := task.cmd, &t.post.lookup
	if goType := reflect.TypeOf(cmd.Data); l.route == nil || cmd.Type != l.typ || cmd.Type == "" && goType != l.goType {
		route, err := t.p.registry.Route(cmd)
		if err != nil {
			return err
		}
		*l = lookup{route, t.p.paceOf(route), cmd.Type, goType}
	}
	task.route, task.pace = l.route, l.pace
	return nil
}
