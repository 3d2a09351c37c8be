package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Registration is what [OnCommand] and [Decide] give back, for those who want to say more.
type Registration struct{ entry *entry }

// entry is a handler or a decider as a command's type lists it.
type entry struct {
	name    string
	decider bool
	makes   []string
}

// enter lists a handler or a decider of a command.
func (t *messageType) enter(name string, decider bool) Registration {
	e := &entry{name: name, decider: decider}
	t.entries = append(t.entries, e)
	return Registration{e}
}

// Makes declares the types of the events that may be made, by wire name. It is for drawings and for [Topology.Lint]: what
// is made is not checked against it.
func (r Registration) Makes(events ...string) {
	r.entry.makes = append(r.entry.makes, events...)
}

// Reads declares that something reads events of these types, by wire name, as a projection or a subscriber does. It is for
// drawings and for [Topology.Lint]; nothing is subscribed.
func (r *Registry) Reads(reader string, events ...string) {
	if err := CheckName("reader name", reader); err != nil {
		r.errs = append(r.errs, err)
	}
	if r.sealed.Load() {
		r.fail("reader %q declared after the registry was sealed by a pipeline", reader)
		return
	}
	for _, event := range events {
		r.readers[event] = append(r.readers[event], reader)
	}
}

// dangling are the faults of names that mean nothing. They can only be found when everything is registered.
func (r *Registry) dangling() (faults []error) {
	refuse := func(kind kind, name, who string, args ...any) {
		if t := r.types[name]; t == nil || t.kind != kind {
			faults = append(faults, fmt.Errorf("engine: %s %q, which is no registered %s", fmt.Sprintf(who, args...), name, kind))
		}
	}
	for _, command := range slices.Sorted(maps.Keys(r.aroundType)) {
		refuse(commandKind, command, "middleware is used for")
	}
	for _, t := range r.listed {
		for _, e := range t.entries {
			for _, event := range e.makes {
				refuse(eventKind, event, "%q makes", e.name)
			}
		}
	}
	for _, event := range slices.Sorted(maps.Keys(r.readers)) {
		refuse(eventKind, event, "%q reads", strings.Join(r.readers[event], ", "))
	}
	return faults
}

// Topology says how a registry is wired: who handles which command, in which chain of middleware, and who makes and reads
// which event. It is plain data, which may be written as JSON.
type Topology struct {
	Commands []TopologyCommand `json:"commands"` // in registration sequence
	Events   []TopologyEvent   `json:"events"`   // in registration sequence
}

// TopologyCommand is one command type.
type TopologyCommand struct {
	Type       string            `json:"type"`       // wire name
	Payload    string            `json:"payload"`    // Go type
	Middleware []string          `json:"middleware"` // around each of the handlers, outermost first
	Handlers   []TopologyHandler `json:"handlers"`   // in registration sequence, in which their events are joined
}

// TopologyHandler is a handler or a decider of a command.
type TopologyHandler struct {
	Name    string   `json:"name"`
	Decider bool     `json:"decider"`
	Makes   []string `json:"makes"` // event types, as far as they were declared
}

// TopologyEvent is one event type.
type TopologyEvent struct {
	Type      string   `json:"type"`       // wire name
	Payload   string   `json:"payload"`    // Go type
	EvolvedBy []string `json:"evolved_by"` // deciders
	ReadBy    []string `json:"read_by"`    // whatever else was declared
}

// Describe tells how the registry is wired. It is right once everything is registered.
func (r *Registry) Describe() Topology {
	top := Topology{Commands: []TopologyCommand{}, Events: []TopologyEvent{}}
	for _, t := range r.listed {
		if t.kind == eventKind {
			top.Events = append(top.Events, TopologyEvent{
				Type: t.name, Payload: t.goType.String(),
				EvolvedBy: listed(t.evolvedBy), ReadBy: listed(r.readers[t.name]),
			})
			continue
		}
		c := TopologyCommand{
			Type: t.name, Payload: t.goType.String(), Middleware: []string{}, Handlers: []TopologyHandler{},
		}
		for _, m := range r.chain(t.name) {
			c.Middleware = append(c.Middleware, m.Name)
		}
		for _, e := range t.entries {
			c.Handlers = append(c.Handlers, TopologyHandler{Name: e.name, Decider: e.decider, Makes: listed(e.makes)})
		}
		top.Commands = append(top.Commands, c)
	}
	return top
}

// listed copies names, each once. None are an empty list, not null.
func listed(names []string) []string {
	list := make([]string, 0, len(names))
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Lint finds what is allowed and hardly meant, one line each: a command that nobody handles or that two deciders decide,
// an event that nobody reads, and an event that a decider makes but does not evolve, so that it decides without knowing
// of it.
func (t Topology) Lint() []string {
	var findings []string
	find := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }
	evolvedBy := map[string][]string{}
	for _, e := range t.Events {
		evolvedBy[e.Type] = e.EvolvedBy
	}
	for _, c := range t.Commands {
		if len(c.Handlers) == 0 {
			find("command %q has neither a handler nor a decider", c.Type)
		}
		var deciders []string
		for _, h := range c.Handlers {
			if !h.Decider {
				continue
			}
			deciders = append(deciders, h.Name)
			for _, event := range h.Makes {
				if !slices.Contains(evolvedBy[event], h.Name) {
					find("decider %q makes event %q of command %q and does not evolve it", h.Name, event, c.Type)
				}
			}
		}
		if len(deciders) > 1 {
			find("command %q has %d deciders: %s", c.Type, len(deciders), strings.Join(deciders, ", "))
		}
	}
	for _, e := range t.Events {
		if len(e.EvolvedBy)+len(e.ReadBy) == 0 {
			find("event %q is read by nobody: no decider evolves it and no reader is declared", e.Type)
		}
	}
	return findings
}
