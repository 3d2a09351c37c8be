package simulate

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// The domain is an account that must not be overdrawn. All its commands say the same and differ in who handles them.
type (
	job struct {
		Number  int // of the command
		Amounts []int
	}
	putJob  job
	noteJob job
	mixJob  job
)

type (
	added   struct{ Number, Amount, After int } // after is the balance that the decider saw, and the amount
	seen    struct{ Number, Handler int }
	bomb    struct{ Number int } // cannot be folded
	unnamed struct{ Number int } // is in no registry
)

// places gives where a command can be poisoned.
func (s *script) places() []place {
	switch s.kind {
	case put:
		return []place{decider, evolver, types}
	case note:
		return []place{first, second, types}
	}
	return []place{first, second, third, decider, evolver, types}
}

// payload is what a command says.
func (s *script) payload() any {
	j := job{s.number, s.amounts}
	switch s.kind {
	case put:
		return putJob(j)
	case note:
		return noteJob(j)
	}
	return mixJob(j)
}

// foresee is the model: the events that a command makes of a balance, or why it is refused. Whether it fails is for the
// faults to say.
func (s *script) foresee(balance int) (events []any, reason string) {
	if s.rejects {
		return nil, s.refusal()
	}
	var decided []any
	if s.kind != note {
		for _, amount := range s.amounts {
			balance += amount
			decided = append(decided, added{s.number, amount, balance})
		}
		if balance < 0 {
			return nil, fmt.Sprintf("balance would be %d", balance)
		}
	}
	switch s.kind {
	case put:
		return decided, ""
	case note:
		return []any{seen{s.number, 0}, seen{s.number, 1}}, ""
	}
	return slices.Concat([]any{seen{s.number, 0}}, decided, []any{seen{s.number, 1}, seen{s.number, 2}}), ""
}

func (s *script) refusal() string { return fmt.Sprintf("#%d is refused", s.number) }

// Register is the module: the code of one life.
func (l *life) Register(r *engine.Registry) {
	d := engine.NewDecider(r, "account", func() int { return 0 })
	engine.Decide(d, "put", func(ctx context.Context, balance int, c putJob) ([]any, error) {
		return l.decide(ctx, job(c), balance)
	})
	on[noteJob](r, "note", l.handler(0))
	on[noteJob](r, "note", l.handler(1))
	on[mixJob](r, "mix", l.handler(0))
	engine.Decide(d, "mix", func(ctx context.Context, balance int, c mixJob) ([]any, error) {
		return l.decide(ctx, job(c), balance)
	})
	on[mixJob](r, "mix", l.handler(1))
	on[mixJob](r, "mix", l.handler(2))
	engine.RegisterEvent[seen](r, "seen")
	engine.Evolve(d, "added", func(balance int, e added) int { return balance + e.Amount })
	engine.Evolve(d, "bomb", func(_ int, e bomb) int { panic(l.misfortune(poison, spot{evolver, e.Number, l.number}, 0)) })
}

// handler is the code of one handler.
type handler struct {
	l *life
	i int
}

func (l *life) handler(i int) handler { return handler{l, i} }

func on[C any](r *engine.Registry, typ string, h handler) {
	engine.OnCommand(r, typ, (first + place(h.i)).String(), func(ctx context.Context, cmd *engine.Command, _ C) ([]any, error) {
		return h.handle(ctx, cmd)
	})
}

func (h handler) handle(ctx context.Context, cmd *engine.Command) ([]any, error) {
	l, i, s := h.l, h.i, &h.l.w.input[commandNumbers[cmd.ID]]
	if err := l.suffer(ctx, s, spot{first + place(i), s.number, l.timeOf(cmd)}); err != nil {
		return nil, err
	}
	if i == 1 && s.rejects {
		return nil, engine.Reject("%s", s.refusal())
	}
	made := []any{seen{s.number, i}}
	if i == 1 && s.kind == note && l.poisoned(s, types) {
		made = append(made, unnamed{s.number})
	}
	return made, nil
}

// decide has no code of its own: it does what the model says, on the balance that it is given.
func (l *life) decide(ctx context.Context, j job, balance int) ([]any, error) {
	s := &l.w.input[j.Number]
	if err := l.suffer(ctx, s, spot{decider, s.number, l.number}); err != nil {
		return nil, err
	}
	var made []any
	for _, amount := range s.amounts {
		balance += amount
		made = append(made, added{s.number, amount, balance})
	}
	switch {
	case l.poisoned(s, evolver):
		return append(made, bomb{s.number}), nil
	case l.poisoned(s, types):
		return append(made, unnamed{s.number}), nil
	case balance < 0:
		return nil, engine.Reject("balance would be %d", balance)
	}
	return made, nil
}

// suffer is what code goes through before it does its work: it takes its time, and something may befall it.
func (l *life) suffer(ctx context.Context, s *script, at spot) error {
	w := l.w
	n := w.try(at)
	if at.place != decider || w.ponders {
		if err := w.wait(ctx, at, w.upTo(w.handler, at, n)); err != nil {
			w.hit(at)
			return err
		}
	}
	if l.poisoned(s, at.place) {
		return l.strike(ctx, poison, l.misfortune(poison, at, n))
	}
	for _, f := range [...]fault{fails, breaks, panics, exits, hangs} {
		if l.meets(f, at, n) {
			return l.strike(ctx, f, l.misfortune(f, at, n))
		}
	}
	return nil
}

// strike lets a fault happen in the code of a handler or a decider.
func (l *life) strike(ctx context.Context, f fault, m *misfortune) error {
	if f == poison {
		f = [...]fault{breaks, panics, exits}[l.w.below(3, m.spot, 0)]
	}
	if ctx.Err() == nil && !m.Temporary() && f != hangs {
		l.w.giveUp(m.spot)
	}
	switch f {
	case panics:
		panic(m)
	case exits:
		l.exit(m.number)
	case hangs:
		l.w.sleep(m.spot, l.w.upTo(l.w.hang, m.spot, m.call+1<<20))
		return ctx.Err() // it comes back late, and may have been right
	}
	return m
}

// poisoned tells whether a command fails at a place, every time, until somebody mends it.
func (l *life) poisoned(s *script, at place) bool { return s.poison == at && !l.mended }

// exit ends the goroutine.
func (l *life) exit(number int) {
	l.w.mu.Lock()
	l.exited[number] = true
	l.w.mu.Unlock()
	runtime.Goexit()
}
