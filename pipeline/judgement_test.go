package pipeline_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
)

// judgement holds the outcomes and the log of a trial against the model.
type judgement struct {
	*trial
	t       *testing.T
	streams map[string][]engine.Event
	first   map[engine.ID]engine.Outcome // what was told first, and not as a repetition
	unknown map[engine.ID]int            // how often the answer was unknown
	counts  pipeline.Counts
}

func newJudgement(t *testing.T, tr *trial) *judgement {
	j := &judgement{
		trial: tr, t: t, streams: map[string][]engine.Event{},
		first: map[engine.ID]engine.Outcome{}, unknown: map[engine.ID]int{},
	}
	for i, event := range wholeLog(t, tr.store.Store) {
		require.EqualValues(t, i+1, event.Position)
		stream := j.streams[event.Subject]
		require.EqualValues(t, len(stream)+1, event.Version, "versions have no gap")
		j.streams[event.Subject] = append(stream, event)
	}
	return j
}

func (j *judgement) check(report pipeline.Report) {
	for i, cmd := range j.commands {
		require.Len(j.t, j.outcomes[i], 1, "command %d: each has one outcome", i)
		o := j.outcomes[i][0]
		require.Equal(j.t, cmd.ID, o.CommandID)
		j.count(o)
		switch o.Status {
		case engine.Accepted, engine.Rejected:
			j.told(i, cmd, o)
		case engine.Unknown:
			require.ErrorIs(j.t, o.Err, engine.ErrUnknown)
			require.Positive(j.t, j.store.unknown)
			j.unknown[cmd.ID]++
		case engine.DeadLettered:
			j.dead(i, cmd, o)
		}
	}
	j.repetitions()
	j.sequence()
	j.owners()
	require.Equal(j.t, j.counts, report.Counts)
	require.Zero(j.t, report.InFlight)
	require.True(j.t, report.Sequence.OK(), "%+v", report.Sequence)
}

func (j *judgement) count(o engine.Outcome) {
	j.counts.Commands++
	switch o.Status {
	case engine.Accepted:
		j.counts.Accepted++
	case engine.Rejected:
		j.counts.Rejected++
	case engine.DeadLettered:
		j.counts.DeadLettered++
	case engine.Unknown:
		j.counts.Unknown++
	}
	if o.Repeated {
		j.counts.Repeated++
	} else {
		j.counts.Events += o.Events()
	}
}

// told checks an outcome that the store gave: it is what the model makes of the state just before.
func (j *judgement) told(i int, cmd *engine.Command, o engine.Outcome) {
	state := 0
	before := j.streams[cmd.Subject][:o.First-1]
	for _, e := range before {
		if a, ok := e.Data.(added); ok {
			state += a.Amount
		}
	}
	want, reason, err := foresee(cmd.Data, state)
	require.NoError(j.t, err, "command %d: %+v was to fail", i, cmd.Data)
	require.Equal(j.t, reason, o.Reason, "command %d: %+v on %d", i, cmd.Data, state)
	require.Equal(j.t, reason == "", o.Status == engine.Accepted)
	got := j.streams[cmd.Subject][o.First-1 : o.Last]
	require.Equal(j.t, want, payloads(got), "command %d on %d", i, state)
	for _, e := range got {
		require.Equal(j.t, cmd.ID, e.CausationID)
	}
	if len(got) > 0 {
		require.Equal(j.t, got[len(got)-1].Position, o.Position)
	}
	if !o.Repeated {
		require.NotContains(j.t, j.first, cmd.ID, "command %d: accepted twice", i)
		j.first[cmd.ID] = o
	}
}

// foresee is the model: what a command does to a state, or the error that it fails with.
func foresee(command any, state int) (events []any, reason string, err error) {
	join := func(i int, j job) {
		made, failed := foresight(func() ([]any, error) { return j.handle(context.Background(), i) })
		events = append(events, made...)
		if err == nil {
			err = failed
		}
	}
	decide := func(j job) {
		if err == nil {
			var made []any
			made, err = foresight(func() ([]any, error) { return j.decide(state) })
			events = append(events, made...)
		}
	}
	switch c := command.(type) {
	case put:
		decide(job(c))
	case note:
		j := job{Fault: c.Fault}
		join(0, j)
		join(1, j)
	case mix:
		j := job{Fault: c.Fault, Amounts: c.Amounts}
		join(0, j)
		made := events
		events = nil
		join(1, j)
		join(2, j)
		after := events
		events = made
		decide(j)
		events = append(events, after...)
	}
	if rejected, ok := err.(*engine.RejectedError); ok {
		return nil, rejected.Reason, nil
	}
	for _, e := range events {
		switch e.(type) {
		case unnamed:
			err = engine.ErrNoType
		case bomb:
			err = errBroken
		}
	}
	if len(events) > engine.MaxAppendEvents {
		err = engine.ErrLimit
	}
	if err != nil {
		return nil, "", err
	}
	return events, "", nil
}

// foresight turns a panic into its error.
func foresight(call func() ([]any, error)) (events []any, err error) {
	defer func() {
		if v := recover(); v != nil {
			events, err = nil, v.(error)
		}
	}()
	return call()
}

// dead checks a dead letter: the command was to fail, or the store was down for it.
func (j *judgement) dead(i int, cmd *engine.Command, o engine.Outcome) {
	_, _, err := foresee(cmd.Data, 1<<30)
	switch _, stateless := cmd.Data.(note); {
	case err != nil && !isDown(o.Err):
		require.ErrorIs(j.t, o.Err, err, "command %d", i)
	case isDown(o.Err):
		require.Positive(j.t, j.store.down+j.store.noLoad)
	default:
		require.Fail(j.t, "a good command was dead-lettered", "command %d (stateless: %v): %v", i, stateless, o.Err)
	}
}

// repetitions checks that a repeated outcome is the first one again.
func (j *judgement) repetitions() {
	for i, cmd := range j.commands {
		o := j.outcomes[i][0]
		if !o.Repeated {
			continue
		}
		first, ok := j.first[cmd.ID]
		if !ok {
			require.Positive(j.t, j.store.unknown, "command %d repeats what was never told, and no answer was lost", i)
			j.first[cmd.ID] = o
			continue
		}
		o.Repeated, first.Repeated = false, false
		require.Equal(j.t, first, o)
	}
}

// sequence checks that the commands of an aggregate stand in arrival sequence.
func (j *judgement) sequence() {
	last := map[string]engine.Version{}
	for i, cmd := range j.commands {
		o := j.outcomes[i][0]
		if o.Repeated || o.Status != engine.Accepted && o.Status != engine.Rejected {
			continue
		}
		require.Greater(j.t, o.First, last[cmd.Subject], "command %d was overtaken", i)
		last[cmd.Subject] = o.Last
	}
}

// owners checks that each event belongs to the other writer, to a command told accepted, or to one told unknown.
func (j *judgement) owners() {
	strange, told := 0, 0
	for _, stream := range j.streams {
		for _, e := range stream {
			o, ok := j.first[e.CausationID]
			switch {
			case e.CausationID.IsZero():
				strange++
			case ok:
				require.True(j.t, o.First <= e.Version && e.Version <= o.Last, "an event outside its command: %+v", e)
				told++
			default:
				require.Positive(j.t, j.unknown[e.CausationID], "an event of nobody: %+v", e)
			}
		}
	}
	require.Equal(j.t, j.store.strange, strange)
	want := 0
	for _, o := range j.first {
		want += o.Events()
	}
	require.Equal(j.t, want, told)
}

func isDown(err error) bool { return errors.Is(err, errDown) }
