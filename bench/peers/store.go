package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/bench"
)

// Watermill and Proto.Actor carry messages and leave the storing to their users. This is what a user would put behind
// them: a stream for each account, a log of all.

// event is the envelope that every event store has in one form or another.
type event struct {
	ID       [16]byte
	Type     string
	Account  string
	Version  uint64
	Position uint64
	Time     time.Time
	Data     any
}

var errNothing = errors.New("peers: a deposit of nothing")

// decide is the domain: a deposit of nothing is refused.
func decide(d bench.Deposit) (bench.Deposited, error) {
	if d.Cents < 1 {
		return bench.Deposited{}, errNothing
	}
	return bench.Deposited(d), nil
}

// newEvent makes the event of a deposit.
func newEvent(account string, d bench.Deposit) (*event, error) {
	decided, err := decide(d)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &event{ID: newID(now), Type: "account.deposited", Account: account, Time: now, Data: decided}, nil
}

// newID makes a UUIDv7.
func newID(now time.Time) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], uint64(now.UnixMilli())<<16|rand.Uint64()&0x0fff|0x7000)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()>>2|1<<63)
	return id
}

// stream is the events of one account in version sequence. It is not safe for use by many goroutines.
type stream struct{ events []*event }

// append adds an event if the stream is at the expected version.
func (s *stream) append(expected uint64, e *event) error {
	if uint64(len(s.events)) != expected {
		return fmt.Errorf("peers: %s is at version %d, not %d", e.Account, len(s.events), expected)
	}
	e.Version = expected + 1
	s.events = append(s.events, e)
	return nil
}

// eventLog is the log of all events. It is safe for use by many goroutines.
type eventLog struct {
	mu     sync.Mutex
	events []*event
}

func (l *eventLog) append(e *event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	e.Position = uint64(len(l.events))
}

// stored gives the log back to be judged. Nobody may append meanwhile.
func (l *eventLog) stored() iter.Seq[bench.Stored] {
	return func(yield func(bench.Stored) bool) {
		for _, e := range l.events {
			if !yield(bench.Stored{Account: e.Account, Version: e.Version, Number: e.Data.(bench.Deposited).Number}) {
				return
			}
		}
	}
}

// store is streams and log under one lock, for handlers that may run at the same time for one account.
type store struct {
	mu      sync.Mutex
	streams map[string]*stream
	eventLog
}

func newStore() *store { return &store{streams: map[string]*stream{}} }

// deposit loads the account, decides, and appends the event at the version that was loaded, as one step: handlers that
// run at the same time wait for each other, and none is refused because it was concurrent.
func (s *store) deposit(account string, d bench.Deposit) error {
	e, err := newEvent(account, d)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.streams[account]
	if of == nil {
		of = &stream{}
		s.streams[account] = of
	}
	if err := of.append(uint64(len(of.events)), e); err != nil {
		return err
	}
	s.eventLog.append(e)
	return nil
}
