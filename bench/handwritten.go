package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"time"
)

// What a Go team writes by hand when it needs one such program and no library. It is the yardstick of the pipeline study
// and is meant to be honest and fast: an envelope that can hold any event, a stream for each account, a log of all.

// handCommand is a command by hand.
type handCommand struct {
	Account string
	Data    any
}

// byHand makes the commands as the hand-written ways take them.
func (w *Workload) byHand() []handCommand {
	cmds := make([]handCommand, w.commands)
	for i := range cmds {
		account, deposit := w.Command(i)
		cmds[i] = handCommand{account, deposit}
	}
	return cmds
}

func handAccount(c *handCommand) string { return c.Account }

// handType is the type of every event.
const handType = "account.deposited"

// handEvent is an event by hand: the envelope that every event store has in one form or another.
type handEvent struct {
	ID       [16]byte
	Type     string
	Account  string
	Version  uint64
	Position uint64
	Time     time.Time
	Data     any
}

// stored gives the event back to be judged.
func (e *handEvent) stored() Stored {
	deposited, _ := e.Data.(Deposited) // another payload is number 0, which is wrong
	return Stored{Account: e.Account, Version: e.Version, Number: deposited.Number}
}

// decideByHand is the domain: a deposit of nothing is refused.
func decideByHand(data any) (Deposited, error) {
	d, ok := data.(Deposit)
	if !ok {
		return Deposited{}, fmt.Errorf("bench: %T is no deposit", data)
	}
	return decideDeposit(d)
}

var errNothing = errors.New("bench: a deposit of nothing")

func decideDeposit(d Deposit) (Deposited, error) {
	if d.Cents < 1 {
		return Deposited{}, errNothing
	}
	return Deposited(d), nil
}

// idByHand makes a UUIDv7 as engine.NewID does.
func idByHand(now time.Time) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], uint64(now.UnixMilli())<<16|rand.Uint64()&0x0fff|0x7000)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()>>2|1<<63)
	return id
}

// event makes the event of one command, not stored yet.
func (c *handCommand) event() (*handEvent, error) {
	decided, err := decideByHand(c.Data)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &handEvent{ID: idByHand(now), Type: handType, Account: c.Account, Time: now, Data: decided}, nil
}

// handStore is a whole store under one lock, for ways that pass events on one by one.
type handStore struct {
	mu      sync.Mutex
	streams map[string][]*handEvent
	log     []*handEvent
}

func newHandStore() *handStore { return &handStore{streams: map[string][]*handEvent{}} }

// version is the number of events of an account.
func (s *handStore) version(account string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.streams[account]))
}

// append adds an event if its account is at the expected version.
func (s *handStore) append(expected uint64, e *handEvent) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	stream := s.streams[e.Account]
	if uint64(len(stream)) != expected {
		return fmt.Errorf("bench: %s is at version %d, not %d", e.Account, len(stream), expected)
	}
	s.add(stream, e)
	return nil
}

// appendNext adds an event at whatever version its account has.
func (s *handStore) appendNext(e *handEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(s.streams[e.Account], e)
}

func (s *handStore) add(stream []*handEvent, e *handEvent) {
	s.streams[e.Account] = append(stream, e)
	s.log = append(s.log, e)
	e.Version, e.Position = uint64(len(stream))+1, uint64(len(s.log))
}

// stored gives the log back to be judged. Nobody may append meanwhile.
func (s *handStore) stored() iter.Seq[Stored] {
	return func(yield func(Stored) bool) {
		for _, e := range s.log {
			if !yield(e.stored()) {
				return
			}
		}
	}
}
