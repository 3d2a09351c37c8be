package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// sweep lets one call of the disk fail: the n-th, for each n that there is, in each way.
type sweep struct {
	folder string
	seed   uint64
	tuning tuning
	faults int // that fired
	calls  int // of the disk, in the longest run
}

// TestEveryCallFails lets each write, sync, truncate, create and delete of a run fail once. After a failed sync nothing
// may be acknowledged, an append that was answered with another error than "unknown" must not be there, and opening
// again must find everything that was acknowledged, after a power cut too.
func TestEveryCallFails(t *testing.T) {
	s := &sweep{folder: simFolder(t), seed: seedOf()}
	require.NoError(t, s.run())
	t.Logf("seed %d: %d calls of the disk, %d faults", s.seed, s.calls, s.faults)
}

// TestEveryCallFailsCatches sweeps a store that goes on after a failed commit, as if a second sync could bring back what
// the first one lost.
func TestEveryCallFailsCatches(t *testing.T) {
	s := &sweep{folder: simFolder(t), seed: seedOf(), tuning: tuning{neverPoisoned: true}}
	err := s.run()
	require.Error(t, err, "seed %d: the sweep lets a bad store pass", s.seed)
	t.Logf("found after %d faults: %v", s.faults, err)
}

func (s *sweep) run() error {
	for kind := range faultKinds {
		step := 1
		if kind != faultIO && environment("ORCHESTRIX_CUTS", 0) == 0 {
			step = 3 // a sample, which the seed moves; with ORCHESTRIX_CUTS it is every call
		}
		for n := 1 + int(s.seed%uint64(step)); ; n += step {
			fired, err := s.once(n, kind)
			if err != nil {
				return fmt.Errorf("ORCHESTRIX_SEED=%d, call %d, fault %d (%s): %w", s.seed, n, kind, fired, err)
			}
			if fired == "" {
				s.calls = max(s.calls, n-step)
				break
			}
			s.faults++
		}
	}
	return nil
}

// once fills a new disk, whose n-th call fails, and looks at what is left of it after a power cut.
func (s *sweep) once(n int, kind simFault) (fired string, err error) {
	d := newSimDisk(s.folder, s.seed)
	defer d.remove()
	l := newLedger(s.seed)
	options := Options{Readers: 1, tuning: s.tuning}
	options.tuning.disk, options.tuning.tailEvents = d, 10
	options.tuning.checkpointPages, options.tuning.checkpointInTurn = 6, true // what is called must be the same each time
	d.failAt, d.fault = n, kind
	for range 2 { // the second run opens what is there, with a log when the first could not finish
		store, err := Open(context.Background(), simPath, options)
		if err != nil {
			if d.failedCall() == "" {
				return "", err
			}
			continue
		}
		err = s.fill(store, d, l)
		if closed := store.Close(); err != nil {
			return d.failedCall(), err
		} else if closed != nil && d.failedCall() == "" {
			return "", closed
		}
	}
	fired = d.failedCall()
	d.revive(true)
	store, err := Open(context.Background(), simPath, options)
	if err != nil {
		return fired, fmt.Errorf("open after a fault: %w", err)
	}
	return fired, errors.Join(l.check(store), store.Close())
}

// fill appends one call after the other and judges each answer.
func (s *sweep) fill(store *Store, d *simDisk, l *ledger) error {
	poisoned, earlier := false, d.failedCall()
	for range 5 {
		before := strings.TrimPrefix(d.failedCall(), earlier) // of this opening: the next one may go on
		batch, wasPoisoned := l.next(), poisoned
		for i, result := range store.Append(context.Background(), batch) {
			letter := batch[i].Letter != nil
			if letter {
				l.noteLetter(&batch[i], result)
			}
			unknown, shut := errors.Is(result.Err, engine.ErrUnknown), errors.Is(result.Err, ErrPoisoned)
			switch {
			case result.Err == nil && (wasPoisoned || strings.HasPrefix(before, "sync")):
				return violated("an append was acknowledged after a failure (%s)", before)
			case letter && result.Err == nil:
			case result.Err == nil:
				l.acknowledged[batch[i].CommandID] = result
			case d.failedCall() == "":
				return fmt.Errorf("an error without a fault: %w", result.Err)
			case wasPoisoned && !shut:
				return violated("the store is shut for writing and answers %w", result.Err)
			case letter && !unknown:
			case unknown && s.tuning.neverPoisoned:
			case unknown:
				poisoned = true
			default:
				delete(l.tried, batch[i].CommandID) // nothing of it is stored: the check fails when it is there
			}
		}
		// A failed sync during the checkpoint, which comes after the answer, shuts the store before the next call.
		if strings.HasPrefix(before, "sync") && store.writer.poisoned.Load() == nil && !s.tuning.neverPoisoned {
			return violated("the store goes on after a failure (%s)", before)
		}
	}
	return nil
}
