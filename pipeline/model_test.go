package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reugn/go-streams/extension"
	"github.com/reugn/go-streams/flow"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// TestModel runs random commands with random delays, faults, duplicates and another writer through random pipelines, and
// holds what came of them against a model that is nothing but a loop over the log: every command must have been decided
// on the state that the log has just before it, and the commands of an aggregate must stand in arrival sequence.
func TestModel(t *testing.T) {
	eachSeed(t, 400, 50, func(t *testing.T, seed uint64) { newTrial(seed).run(t) })
}

// eachSeed runs a trial with so many seeds in virtual time, or with a few in real time under the race detector, until one
// fails.
func eachSeed(t *testing.T, seeds, few uint64, trial func(t *testing.T, seed uint64)) {
	if testing.Short() || raceDetector {
		seeds = few
	}
	for seed := range seeds {
		ok := t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			if raceDetector { // in real time: see there
				trial(t, seed)
				return
			}
			synctest.Test(t, func(t *testing.T) { trial(t, seed) })
		})
		if !ok {
			return // one seed is enough to look at
		}
	}
}

// trial is one random run.
type trial struct {
	rng      *rand.Rand
	store    *shaky
	options  pipeline.Options
	commands []*engine.Command // in arrival sequence
	outcomes [][]engine.Outcome
}

func newTrial(seed uint64) *trial {
	rng := rand.New(rand.NewPCG(seed, 7))
	tr := &trial{rng: rng, options: pipeline.Options{
		Workers: pick(rng, 1, 2, 5, 64), Window: pick(rng, 1, 2, 7, 64, 4096), Batch: pick(rng, 1, 2, 3, 16, 256),
		Cache: pick(rng, -1, 1, 2, 0), Conflicts: 1000,
		Retry: pipeline.RetryPolicy{Attempts: pick(rng, 1, 2, 5), Seed: seed + 1},
	}}
	tr.store = &shaky{
		Store: memory.New(), rng: rand.New(rand.NewPCG(seed, 8)),
		slow: pick(rng, 0, time.Millisecond, 20*time.Millisecond), foreign: pick(rng, 0, 0, 0.1, 0.5),
		down: pick(rng, 0, 0, 0.1), unknown: pick(rng, 0, 0, 0.1), noLoad: pick(rng, 0, 0, 0, 0.1),
		instant: seed%3 == 0,
	}
	if raceDetector {
		tr.store.foreign = 0
	}
	aggregates, n := pick(rng, 1, 2, 5), 20+rng.IntN(80)
	for len(tr.commands) < n {
		if i := len(tr.commands); i > 0 && rng.IntN(8) == 0 {
			tr.enter(*tr.commands[i-1-rng.IntN(min(i, 10))]) // the same command again, soon after
			continue
		}
		tr.enter(*engine.NewCommand(fmt.Sprintf("account-%d", rng.IntN(aggregates)), randomCommand(rng)))
	}
	return tr
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

// enter adds a copy of the command.
func (tr *trial) enter(cmd engine.Command) {
	i := len(tr.commands)
	cmd.Settled = func(o engine.Outcome) { tr.outcomes[i] = append(tr.outcomes[i], o) } // read after the run only
	tr.commands = append(tr.commands, &cmd)
	tr.outcomes = append(tr.outcomes, nil)
}

func randomCommand(rng *rand.Rand) any {
	j := job{}
	for range rng.IntN(4) {
		j.Amounts = append(j.Amounts, rng.IntN(9)-3)
	}
	for range 3 {
		j.Waits = append(j.Waits, pick(rng, 0, time.Duration(rng.IntN(5_000_000))))
	}
	faulty := rng.IntN(4) == 0
	fault := func(from ...fault) {
		if faulty {
			j.Fault = pick(rng, from...)
		}
	}
	switch rng.IntN(3) {
	case 0:
		fault(deciderFails, deciderPanics, evolvePanics, tooManyPayloads)
		return put(j)
	case 1:
		fault(handlerFails, handlerPanics, handlerRejects, notRegistered)
		return note(j)
	}
	fault(handlerFails, handlerPanics, handlerRejects, notRegistered, deciderFails, evolvePanics)
	return mix(j)
}

// run sends everything in one of four ways and judges the result.
func (tr *trial) run(t *testing.T) {
	sink := sinks.NewStore(tr.store)
	p, err := pipeline.New(engine.NewRegistry(account{}), sink, tr.options)
	require.NoError(t, err)
	ctx := t.Context()
	switch tr.rng.IntN(4) {
	case 0:
		_, err = p.Run(ctx, sources.Slice(tr.commands))
	case 1:
		_, err = p.Run(ctx, extension.NewChanSource(tr.trickle()).Via(flow.NewPassThrough()))
	case 2:
		tr.send(ctx, t, p)
	case 3:
		sources.Chan(tr.trickle()).Via(flow.NewPassThrough()).Via(p.Dispatch(ctx)).
			Via(flow.NewMap(func(b any) any { // shuffles the batches of different aggregates
				time.Sleep(tr.store.duration(time.Millisecond))
				return b
			}, 8)).To(sink)
		err = sink.Err()
	}
	require.NoError(t, err)
	if !raceDetector {
		synctest.Wait()
	}
	report := p.Report()
	defer func() {
		if t.Failed() {
			t.Logf("%+v\n%s", tr.options, report)
		}
	}()
	newJudgement(t, tr).check(report)
}

// trickle sends the commands with pauses in between.
func (tr *trial) trickle() chan any {
	ch := make(chan any, tr.rng.IntN(3)) // a goroutine of this function sends and closes, the source receives; any capacity
	go func() {
		defer close(ch)
		for _, cmd := range tr.commands {
			time.Sleep(tr.store.duration(time.Millisecond))
			ch <- cmd
		}
	}()
	return ch
}

// duration is a random time with nanosecond jitter, and often none.
func (s *shaky) duration(most time.Duration) time.Duration {
	return time.Duration(max(0, s.dice()-0.5) * 2 * float64(most))
}

// send submits one by one, and ends the run when all is admitted.
func (tr *trial) send(ctx context.Context, t *testing.T, p *pipeline.Pipeline) {
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1) // the goroutine below sends once; room for it
	go func() {
		_, err := p.Run(running)
		ended <- err
	}()
	for _, cmd := range tr.commands {
		_, err := p.Send(ctx, cmd)
		require.NoError(t, err)
	}
	stop()
	require.NoError(t, <-ended)
}
