package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Counts and seeds of the long tests come from the environment:
//
//	ORCHESTRIX_CUTS   power cuts of TestPowerCuts, 200 without it; 20000 take some minutes
//	ORCHESTRIX_KILLS  processes that TestKill kills, 20 without it; 1000 take about a minute
//	ORCHESTRIX_FLIPS  bytes that TestFlippedFile and TestFlippedLog damage at random besides their fixed ones, 200 without it
//	ORCHESTRIX_SEED   the seed of everything random, the clock without it
//
// A seed repeats what the disk does and what is appended. When goroutines run is the scheduler's choice, so a failure may
// need some runs to come again.
func environment(name string, without int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return without
}

func seedOf() uint64 { return uint64(environment("ORCHESTRIX_SEED", int(time.Now().UnixNano()))) }

const cutsOfADisk = 12 // power cuts that one disk lives through, from empty on

// powerTest says which store is tested on which disk.
type powerTest struct {
	folder string
	cuts   int
	seed   uint64
	tuning tuning
	noDirs bool
}

// powerFigures is what happened.
type powerFigures struct{ cuts, kills, disks, acknowledged, unknown int }

func (f powerFigures) String() string {
	return fmt.Sprintf("%d power cuts and %d kills on %d disks, %d appends acknowledged, %d of unknown outcome",
		f.cuts, f.kills, f.disks, f.acknowledged, f.unknown)
}

// run cuts the power again and again, of one disk for each processor, and gives the first thing that is wrong afterwards.
func (p powerTest) run() (figures powerFigures, err error) {
	random := rand.New(rand.NewPCG(p.seed, 0))
	var mu sync.Mutex // guards random, figures and err
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				mu.Lock()
				seed, done := random.Uint64(), figures.cuts >= p.cuts || err != nil
				mu.Unlock()
				if done {
					return
				}
				one, broken := p.oneDisk(seed)
				mu.Lock()
				figures.add(one)
				if broken != nil && err == nil {
					err = fmt.Errorf("ORCHESTRIX_SEED=%d, disk of seed %d: %w", p.seed, seed, broken)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return figures, err
}

func (f *powerFigures) add(one powerFigures) {
	f.cuts += one.cuts
	f.kills += one.kills
	f.disks++
	f.acknowledged += one.acknowledged
	f.unknown += one.unknown
}

// oneDisk fills one disk while power fails and processes are killed.
func (p powerTest) oneDisk(seed uint64) (figures powerFigures, err error) {
	random := rand.New(rand.NewPCG(seed, 2))
	d := newSimDisk(p.folder, seed)
	defer d.remove()
	d.noDirs = p.noDirs
	options := Options{Readers: 1, tuning: p.tuning}
	options.tuning.disk = d
	options.tuning.tailEvents = 8 + random.IntN(60)
	options.tuning.checkpointPages, options.tuning.checkpointInTurn = 4+random.IntN(60), random.IntN(2) == 0
	l := newLedger(seed)
	for range cutsOfADisk {
		d.cutAt = 1 + random.IntN(250)
		if random.IntN(8) == 0 {
			d.cutAt = 1 + random.IntN(30) // while it is opened
		}
		store, err := Open(context.Background(), simPath, options)
		if err == nil {
			err = l.check(store)
			if err == nil {
				l.fill(store)
			}
			closeErr := store.Close()
			if err == nil && closeErr != nil && !d.dead {
				err = closeErr
			}
		}
		if _, broken := errors.AsType[violation](err); err != nil && (broken || !d.dead) {
			return figures, err // without power every error is right, and no wrong answer is
		}
		kill := random.IntN(4) == 0
		if kill {
			figures.kills++
		} else {
			figures.cuts++
		}
		d.revive(!kill)
	}
	store, err := Open(context.Background(), simPath, options)
	if err != nil {
		return figures, fmt.Errorf("the last opening: %w", err)
	}
	err = errors.Join(l.check(store), store.Close())
	figures.acknowledged += len(l.acknowledged)
	figures.unknown += l.unknown
	return figures, err
}

const simPath = "/sim/events.db"

// ledger knows what was asked of a store, and what it acknowledged.
type ledger struct {
	mu           sync.Mutex
	random       *rand.Rand
	tried        map[engine.ID]engine.Append
	acknowledged map[engine.ID]engine.Result
	letters      map[engine.ID]engine.Append // that were sent
	sent         []engine.ID                 // theirs, in sequence
	kept         map[engine.ID]uint64        // letters that were acknowledged, with their numbers
	doubt        map[engine.ID]bool          // letters of unknown outcome
	unknown      int                         // answers of unknown outcome
}

func newLedger(seed uint64) *ledger {
	return &ledger{
		random: rand.New(rand.NewPCG(seed, 3)), tried: map[engine.ID]engine.Append{},
		acknowledged: map[engine.ID]engine.Result{},
		letters:      map[engine.ID]engine.Append{}, kept: map[engine.ID]uint64{}, doubt: map[engine.ID]bool{},
	}
}

// fill lets some writers append until something fails, or for a while.
func (l *ledger) fill(store *Store) {
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 30 {
				if !l.append(store, l.next()) {
					return
				}
			}
		})
	}
	writers.Wait()
}

// next makes a call of one to three appends.
func (l *ledger) next() []engine.Append {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch := make([]engine.Append, 1+l.random.IntN(3))
	for i := range batch {
		if l.random.IntN(6) == 0 {
			batch[i] = l.nextLetter()
			continue
		}
		a := engine.Append{
			Aggregate: fmt.Sprint("a", l.random.IntN(6)), Expected: engine.Any, CommandID: engine.NewID(), Digest: l.random.Uint64(),
		}
		if letter, ends := l.endedLetter(); ends {
			a.Aggregate, a.CommandID = letter.Aggregate, letter.CommandID
		}
		for range 1 + l.random.IntN(3) {
			data := make([]byte, l.random.IntN(40))
			if l.random.IntN(20) == 0 {
				data = make([]byte, 6000)
			}
			a.Events = append(a.Events, engine.Event{Message: engine.Message{
				ID: engine.NewID(), Type: "test.happened", Subject: a.Aggregate, CausationID: a.CommandID,
				ContentType: "application/octet-stream", Data: engine.Raw(data),
			}})
		}
		batch[i], l.tried[a.CommandID] = a, a
	}
	return batch
}

// append makes the call and notes what is acknowledged. It tells whether all was.
func (l *ledger) append(store *Store, batch []engine.Append) bool {
	results := store.Append(context.Background(), batch)
	l.mu.Lock()
	defer l.mu.Unlock()
	all := true
	for i, result := range results {
		if batch[i].Letter != nil {
			l.noteLetter(&batch[i], result)
			all = all && result.Err == nil
			continue
		}
		if result.Err != nil {
			if errors.Is(result.Err, engine.ErrUnknown) {
				l.unknown++
			}
			all = false
			continue
		}
		result.Duplicate = false
		l.acknowledged[batch[i].CommandID] = result
	}
	if all && batch[0].Letter == nil && l.random.IntN(8) == 0 {
		_ = store.SaveSnapshot(context.Background(), engine.Snapshot{
			Aggregate: batch[0].Aggregate, Version: results[0].Last, Data: make(engine.Raw, 300),
		})
	}
	return all
}

// TestPowerCuts cuts the power under many writers, again and again. Every append that was acknowledged must be there,
// none twice, none torn, and every version.
func TestPowerCuts(t *testing.T) {
	test := powerTest{folder: simFolder(t), cuts: environment("ORCHESTRIX_CUTS", 200), seed: seedOf()}
	began := time.Now()
	figures, err := test.run()
	require.NoError(t, err)
	t.Logf("seed %d: %s, %.0f cuts/s", test.seed, figures, float64(figures.cuts)/time.Since(began).Seconds())
}

// simFolder is a folder in memory, when there is one.
func simFolder(t *testing.T) string {
	folder, err := os.MkdirTemp("/dev/shm", "orchestrix")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// TestPowerCutsCatch runs the same on stores and disks that are known to be bad. Each must be found out.
func TestPowerCutsCatch(t *testing.T) {
	for name, test := range map[string]powerTest{
		"acknowledged before the sync": {tuning: tuning{synchronous: "OFF"}},
		"directory is not synced":      {noDirs: true},
	} {
		t.Run(name, func(t *testing.T) {
			test.folder, test.cuts, test.seed = simFolder(t), 400, seedOf()
			figures, err := test.run()
			require.Error(t, err, "seed %d: the test lets a bad store pass", test.seed)
			t.Logf("found after %d cuts: %v", figures.cuts, err)
		})
	}
}
