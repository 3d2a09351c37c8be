package main

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/orchestrix-go/orchestrix/bench"
)

// actorPatience is how long a request to an actor may take.
const actorPatience = 10 * time.Second

func newActorSystem() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1}))
	}))
}

// actorDeposit is the message of the workload.
type actorDeposit struct{ bench.Deposit }

// actorAccount is one account: an actor that owns its stream, so that it needs no lock.
type actorAccount struct {
	stream
	name    string
	balance int64
	ledger  *actorLedger
}

// Receive handles one message. The actor runs it for one message at a time.
func (a *actorAccount) Receive(c actor.Context) {
	msg, ok := c.Message().(*actorDeposit)
	if !ok {
		return // the actor started, or stops
	}
	err := a.deposit(msg.Deposit)
	if c.Sender() != nil {
		c.Respond(&actorReply{err})
	}
	if err == nil {
		a.ledger.tick()
	}
}

func (a *actorAccount) deposit(d bench.Deposit) error {
	e, err := newEvent(a.name, d)
	if err != nil {
		return err
	}
	if err := a.append(uint64(len(a.events)), e); err != nil {
		return err
	}
	a.balance += d.Cents
	a.ledger.log.append(e)
	return nil
}

type actorReply struct{ err error }

// actorLedger is an actor for each account.
type actorLedger struct {
	*tally
	system   *actor.ActorSystem
	accounts map[string]*actor.PID
	cmds     []actorDeposit
	to       []*actor.PID // of each command
	log      eventLog
	request  bool
}

// openActors tells the actors and does not wait for each.
func openActors(_ context.Context, w *bench.Workload) (ledger, error) {
	return newActorLedger(w, false), nil
}

// openActorRequests asks the actors and waits for each answer.
func openActorRequests(_ context.Context, w *bench.Workload) (ledger, error) {
	return newActorLedger(w, true), nil
}

func newActorLedger(w *bench.Workload, request bool) *actorLedger {
	l := &actorLedger{
		tally: newTally(w.Commands()), system: newActorSystem(), accounts: map[string]*actor.PID{},
		cmds: make([]actorDeposit, w.Commands()), to: make([]*actor.PID, w.Commands()), request: request,
	}
	for i := range l.cmds {
		name, deposit := w.Command(i)
		if l.accounts[name] == nil {
			l.accounts[name] = l.system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
				return &actorAccount{name: name, ledger: l}
			}))
		}
		l.cmds[i], l.to[i] = actorDeposit{deposit}, l.accounts[name]
	}
	return l
}

func (l *actorLedger) send(_ context.Context, i int) error {
	if !l.request {
		l.system.Root.Send(l.to[i], &l.cmds[i])
		return nil
	}
	answer, err := l.system.Root.RequestFuture(l.to[i], &l.cmds[i], actorPatience).Result()
	if err != nil {
		return err
	}
	return answer.(*actorReply).err
}

func (l *actorLedger) stored() iter.Seq[bench.Stored] { return l.log.stored() }

func (l *actorLedger) close() error {
	pids := make([]*actor.PID, 0, len(l.accounts))
	for _, pid := range l.accounts {
		pids = append(pids, pid)
	}
	return stopActors(l.system, pids)
}

func stopActors(system *actor.ActorSystem, pids []*actor.PID) error {
	for _, pid := range pids {
		if err := system.Root.StopFuture(pid).Wait(); err != nil {
			return err
		}
	}
	system.Shutdown()
	return nil
}

// actorBoard is an actor for each handler.
type actorBoard struct {
	system *actor.ActorSystem
	pids   []*actor.PID
}

type actorNotice struct{ message int }

func openActorBoard(_ context.Context, j *joins) (board, error) {
	b := &actorBoard{system: newActorSystem()}
	for range handlers {
		b.pids = append(b.pids, b.system.Root.Spawn(actor.PropsFromFunc(func(c actor.Context) {
			if notice, ok := c.Message().(*actorNotice); ok {
				j.handle(notice.message)
			}
		})))
	}
	return b, nil
}

func (b *actorBoard) publish(_ context.Context, message int) error {
	notice := &actorNotice{message}
	for _, pid := range b.pids {
		b.system.Root.Send(pid, notice)
	}
	return nil
}

func (b *actorBoard) close() error { return stopActors(b.system, b.pids) }
