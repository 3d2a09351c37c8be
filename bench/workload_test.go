package bench

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// right gives the events that a faultless way stores.
func right(w *Workload) []Stored {
	var stored []Stored
	for i := range w.Commands() {
		account, deposit := w.Command(i)
		stored = append(stored, Stored{Account: account, Version: uint64(deposit.Number), Number: deposit.Number})
	}
	return stored
}

func TestWorkloadGoesRoundTheAccounts(t *testing.T) {
	w := NewWorkload(10, 4)
	require.Equal(t, 10, w.Commands())
	require.Equal(t, 4, w.Accounts())
	account, deposit := w.Command(5)
	require.Equal(t, "account-000001", account)
	require.Equal(t, int64(2), deposit.Number)
	for i := range w.Commands() {
		_, deposit := w.Command(i)
		require.Positive(t, deposit.Cents, "every command is acceptable")
	}
	smallest := NewWorkload(0, -1)
	require.Equal(t, 1, smallest.Commands())
	require.Equal(t, 1, smallest.Accounts())
}

// Canaries: each way in which a way can be wrong is counted.
func TestWorkloadSeesWhatIsOutOfSequence(t *testing.T) {
	w := NewWorkload(12, 3) // the events of the first account stand at 0, 3, 6 and 9
	for name, c := range map[string]struct {
		tamper func(s []Stored) []Stored
		want   int
	}{
		"nothing":      {func(s []Stored) []Stored { return s }, 0},
		"all lost":     {func([]Stored) []Stored { return nil }, 12},
		"the last one": {func(s []Stored) []Stored { return s[:11] }, 1},
		"one in the middle, versions closed up": {func(s []Stored) []Stored {
			s[6].Version, s[9].Version = 2, 3
			return slices.Delete(s, 3, 4)
		}, 1},
		"one in the middle, with a gap": {func(s []Stored) []Stored { return slices.Delete(s, 3, 4) }, 2},
		"neighbours swapped, versions as they stand": {func(s []Stored) []Stored {
			s[3].Number, s[6].Number = s[6].Number, s[3].Number
			return s
		}, 1},
		"accounts in another mixture": {func(s []Stored) []Stored {
			slices.SortStableFunc(s, func(a, b Stored) int { return int(b.Account[13]) - int(a.Account[13]) })
			return s
		}, 0},
		"one twice": {func(s []Stored) []Stored {
			again := s[9]
			again.Version++
			return append(s, again)
		}, 1},
		"an event of no command": {func(s []Stored) []Stored {
			return append(s, Stored{Account: "account-000000", Version: 5, Number: 5})
		}, 1},
		"an event of no account": {func(s []Stored) []Stored {
			return append(s, Stored{Account: "elsewhere", Version: 1, Number: 1})
		}, 1},
		"a payload that is none": {func(s []Stored) []Stored {
			s[11].Number = 0
			return s
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, w.OutOfSequence(slices.Values(c.tamper(right(w)))))
		})
	}
}

// Every way of the pipeline study does all of the work, in sequence. By name, so that a way that cheats is named.
func TestPipelineWays(t *testing.T) {
	w := NewWorkload(3000, 7)
	for _, way := range PipelineWays(w) {
		t.Run(way.Name, func(t *testing.T) {
			sample, err := way.Run(t.Context())
			require.NoError(t, err)
			require.Positive(t, sample.Value)
			require.Len(t, sample.Columns, len(w.Columns()))
			require.Zero(t, sample.Columns[2], "out of sequence")
		})
	}
}

// A context that is done ends every way, and what it did not do is not counted as done.
func TestPipelineWaysEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, way := range PipelineWays(NewWorkload(100_000, 7)) {
		t.Run(way.Name, func(t *testing.T) {
			sample, err := way.Run(ctx)
			if err == nil { // a source that ends with its context is no error; Measure looks at the context itself
				require.Positive(t, sample.Columns[2])
			}
		})
	}
	_, err := Measure(ctx, 1, PipelineWays(NewWorkload(100, 7)))
	require.ErrorIs(t, err, context.Canceled)
}

// A way that loses and reorders is in the rows, and says so.
func TestWorkloadRateJudges(t *testing.T) {
	w := NewWorkload(12, 3)
	sloppy := func() iter.Seq[Stored] {
		s := right(w)[:11]
		s[3].Number, s[6].Number = s[6].Number, s[3].Number
		return slices.Values(s)
	}
	sample, err := w.Rate(func() error { return nil }, sloppy)
	require.NoError(t, err)
	require.Equal(t, 2.0, sample.Columns[2])
	_, err = w.Rate(func() error { return context.Canceled }, sloppy)
	require.ErrorIs(t, err, context.Canceled)
}
