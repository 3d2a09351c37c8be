package engine

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// kind tells commands from events.
type kind uint8

const (
	commandKind kind = iota + 1
	eventKind
)

func (k kind) String() string {
	if k == commandKind {
		return "command"
	}
	return "event"
}

// A Registry knows every message type of a program: its stable wire name, its Go type, its handlers. It is filled by one
// goroutine before the first pipeline is made with it, and only read afterwards. Faults are collected, so that Err and
// pipeline.New report all of them at once.
type Registry struct {
	types  map[string]*messageType
	byGo   map[reflect.Type]*messageType
	listed []*messageType                  // in registration sequence
	recent [64]atomic.Pointer[messageType] // found in byGo, which only grows, by the place of the Go type
	errs   []error

	around     []Middleware
	aroundType map[string][]Middleware // by command type
	readers    map[string][]string     // by event type
	sealing    sync.Once               // several pipelines may be made of one registry at the same time
	sealed     atomic.Bool
}

// messageType is everything known of one type of message.
type messageType struct {
	name   string
	kind   kind
	goType reflect.Type
	decode func(Raw) (any, error)

	// Of a command.
	route       Route
	entries     []*entry // in registration sequence
	wrapDecider func(chain []Middleware) error

	// Of an event.
	evolvedBy []string
}

// A Route is how commands of one type are handled.
type Route struct {
	Type     string    // wire name
	Handlers []Handler // stateless handlers, in registration sequence
	// NewAggregate makes the empty aggregate that decides the command; nil when no decider does. Commands of one aggregate
	// with a decider share one Aggregate.
	NewAggregate func() Aggregate
	Decider      string // its name
	// First is how many of the Handlers were registered before the decider: events are joined in registration sequence.
	First int
	// Prefetch reads a decoded payload and does nothing with it, so that the processor has it in its cache when it is used.
	// It is nil for a payload type of more than 256 bytes.
	Prefetch func(data any)
}

// NewRegistry makes a registry and lets each module register what it has.
func NewRegistry(modules ...Module) *Registry {
	r := &Registry{
		types: map[string]*messageType{}, byGo: map[reflect.Type]*messageType{},
		aroundType: map[string][]Middleware{}, readers: map[string][]string{},
	}
	for _, m := range modules {
		m.Register(r)
	}
	return r
}

// A Module is a unit of domain code that registers everything it has in one call.
type Module interface{ Register(r *Registry) }

// RegisterEvent gives the event type E its wire name. Events that a decider evolves are registered by Evolve.
func RegisterEvent[E any](r *Registry, name string) { register[E](r, eventKind, name) }

// RegisterCommand gives the command type C its wire name before anything handles it. Handlers and deciders register the
// commands that they handle by themselves. A command that nobody handles is refused, and [Topology.Lint] finds it.
func RegisterCommand[C any](r *Registry, name string) { register[C](r, commandKind, name) }

// Err reports everything that was registered wrongly, joined, or nil.
func (r *Registry) Err() error { return joinErrors(slices.Concat(r.errs, r.dangling())) }

// Seal ends registration, puts the middleware around the handlers, and returns what Err returns. Later registrations are
// faults. pipeline.New seals its registry.
func (r *Registry) Seal() error {
	r.sealing.Do(func() {
		r.wrapAll()
		r.sealed.Store(true)
	})
	return r.Err()
}

// Route finds how a command is handled, by its type or, when that is empty, by the Go type of its payload.
func (r *Registry) Route(cmd *Command) (*Route, error) {
	var t *messageType
	if cmd.Type == "" {
		if t = r.typed(cmd.Data); t == nil {
			return nil, fmt.Errorf("%w: Go type %T: register the struct with engine.OnCommand or engine.Decide", ErrNoType, cmd.Data)
		}
	} else if t = r.types[cmd.Type]; t == nil {
		return nil, fmt.Errorf("%w: %q", ErrNoType, clip(cmd.Type))
	}
	if t.kind != commandKind {
		return nil, fmt.Errorf("%w: %q is an event, not a command", ErrNoType, t.name)
	}
	if len(t.entries) == 0 {
		return nil, fmt.Errorf("%w: %q has neither a handler nor a decider", ErrNoType, t.name)
	}
	return &t.route, nil
}

// typeOf gives the wire name of the Go type of an event's payload.
func (r *Registry) typeOf(data any) (string, error) {
	t := r.typed(data)
	switch {
	case t == nil:
		return "", fmt.Errorf("%w: Go type %T: register the struct with engine.RegisterEvent or engine.Evolve", ErrNoType, data)
	case t.kind != eventKind:
		return "", fmt.Errorf("%w: %q is a command, not an event", ErrNoType, t.name)
	}
	return t.name, nil
}

// typed finds the type that has the Go type of a payload, or nil: for most of them without the map.
func (r *Registry) typed(data any) *messageType {
	goType := reflect.TypeOf(data)
	if goType == nil {
		return nil
	}
	recent := &r.recent[reflect.ValueOf(goType).Pointer()/32%uintptr(len(r.recent))]
	t := recent.Load()
	if t == nil || t.goType != goType {
		if t = r.byGo[goType]; t != nil {
			recent.Store(t)
		}
	}
	return t
}

// register enters T under its name, or finds it there. Collisions are faults and give a type that nobody can reach.
func register[T any](r *Registry, kind kind, name string) *messageType {
	t := &messageType{name: name, kind: kind, goType: goType[T](), decode: decoder[T](kind), route: Route{Type: name}}
	if kind == commandKind && t.goType.Size() <= mostPrefetched {
		t.route.Prefetch = prefetch[T]
	}
	if r.sealed.Load() {
		r.fail("%s %q registered after the registry was sealed by a pipeline", kind, name)
		return t
	}
	if err := CheckName("type", name); err != nil {
		r.errs = append(r.errs, err)
		return t
	}
	if there, ok := r.types[name]; ok {
		if there.goType != t.goType || there.kind != kind {
			r.fail("%q is the %s %v and cannot be the %s %v too", name, there.kind, there.goType, kind, t.goType)
			return t
		}
		return there
	}
	if there, ok := r.byGo[t.goType]; ok {
		r.fail("%v is %q and cannot be %q too", t.goType, there.name, name)
		return t
	}
	if k := t.goType.Kind(); k == reflect.Interface || k == reflect.Pointer {
		r.fail("%q: register the struct, not the %s %v", name, k, t.goType)
		return t
	}
	r.types[name], r.byGo[t.goType] = t, t
	r.listed = append(r.listed, t)
	return t
}

// mostPrefetched is the largest payload, in bytes, that is read ahead: to read it is to copy it.
const mostPrefetched = 256

// prefetch reads data, which is a T as a rule.
func prefetch[T any](data any) {
	if typed, ok := data.(T); ok {
		runtime.KeepAlive(typed) // else the compiler leaves out what comes to nothing
	}
}

func (r *Registry) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("engine: "+format, args...))
}
