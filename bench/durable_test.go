package bench

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// BenchmarkDurable runs each way of the study. One operation is a whole repetition.
func BenchmarkDurable(b *testing.B) { benchmarkWays(b, durableWays(Effort{}, openSQLite), "events/s") }

// benchmarkWays reports the median of the samples and of each column that has a name.
func benchmarkWays(b *testing.B, ways []Way, units ...string) {
	for _, way := range ways {
		b.Run(way.Name, func(b *testing.B) {
			figures := make([]Row, len(units))
			for b.Loop() {
				sample, err := way.Run(b.Context())
				require.NoError(b, err)
				for i, figure := range append([]float64{sample.Value}, sample.Columns...)[:len(units)] {
					figures[i].Samples = append(figures[i].Samples, figure)
				}
			}
			b.ReportMetric(0, "ns/op") // of a repetition: says nothing
			for i, unit := range units {
				b.ReportMetric(figures[i].Median(), unit)
			}
		})
	}
}

// Each way stores all of its load, verified by the way itself, and measures it.
func TestDurableWays(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	defer goleak.VerifyNone(t)
	load := newJotLoad(4, 200, 8)
	for name, run := range map[string]func(context.Context) (Sample, error){
		"prefilled":     load.prefilled,
		"store":         load.stored(openSQLite, load.appends),
		"Do":            load.stored(openSQLite, load.does),
		"Send":          load.stored(openSQLite, load.sends(16)),
		"more than all": load.stored(openSQLite, load.sends(1000)),
		"source":        load.stored(openSQLite, load.reads),
	} {
		t.Run(name, func(t *testing.T) {
			sample, err := run(t.Context())
			require.NoError(t, err)
			require.Positive(t, sample.Value)
			require.Len(t, sample.Columns, 2)
			require.Positive(t, sample.Columns[0])
			require.GreaterOrEqual(t, sample.Columns[1], sample.Columns[0])
		})
		t.Run(name+" cancelled", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := run(ctx)
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

// The ways of a measurement are all there, and judging rests on rows that exist.
func TestDurableStudies(t *testing.T) {
	var rows []Row
	for i, way := range durableWays(Effort{Quick: true}, openSQLite) {
		rows = append(rows, Row{Name: way.Name, Line: way.Line, X: way.X, Samples: []float64{float64(100 + i)}})
	}
	lines, bars := durableStudies(rows)
	require.NotContains(t, lines.Finding+bars.Finding, "NaN")
	require.Len(t, bars.Checks, 3)
	for _, check := range bars.Checks {
		require.Positive(t, check.Value)
	}
	require.Len(t, lines.Rows, 13)
	for _, row := range bars.Rows {
		require.Empty(t, row.Line, row.Name)
	}
}

func TestDurableCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Durable(ctx, Effort{Runs: 1, Quick: true})
	require.ErrorIs(t, err, context.Canceled)
}

// forgetful is a store that tampers with what is read from it.
type forgetful struct {
	engine.Store
	tamper func([]engine.Event) []engine.Event
}

func (s forgetful) Read(ctx context.Context, after engine.Position) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		var events []engine.Event
		for event, err := range s.Store.Read(ctx, after) {
			if err != nil {
				yield(engine.Event{}, err)
				return
			}
			events = append(events, event)
		}
		for _, event := range s.tamper(events) {
			if !yield(event, nil) {
				return
			}
		}
	}
}

// A store that loses or changes something is found out.
func TestJotLoadVerify(t *testing.T) {
	load := newJotLoad(2, 20, 2)
	store := memory.New()
	_, err := load.appends(t.Context(), store)
	require.NoError(t, err)
	for _, c := range []struct {
		name, fault string
		tamper      func([]engine.Event) []engine.Event
	}{
		{"honest", "", func(e []engine.Event) []engine.Event { return e }},
		{"last lost", "1 of 20 acknowledged events are lost", func(e []engine.Event) []engine.Event { return e[:19] }},
		{"first lost", "where 1 belongs", func(e []engine.Event) []engine.Event { return e[1:] }},
		{"all lost", "20 of 20", func([]engine.Event) []engine.Event { return nil }},
		{"twice", "stored twice", func(e []engine.Event) []engine.Event { return append(e, e[0]) }},
		{"foreign", "nobody appended", func(e []engine.Event) []engine.Event {
			e[3].Data = jotted{N: 20}
			return e
		}},
		{"of another aggregate", "nobody appended", func(e []engine.Event) []engine.Event {
			e[3].Subject = e[3].Subject + "x"
			return e
		}},
		{"encoded", "nobody appended", func(e []engine.Event) []engine.Event {
			e[3].Data = engine.Raw("{}")
			return e
		}},
		{"position again", "follows position", func(e []engine.Event) []engine.Event {
			e[3].Position = e[2].Position
			return e
		}},
		{"turned", "belongs", func(e []engine.Event) []engine.Event {
			slices.Reverse(e)
			return e
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := load.verify(t.Context(), forgetful{store, c.tamper})
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fault)
		})
	}
}

// A way does not give a figure for a store that loses.
func TestDurableStoreLoses(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	load := newJotLoad(4, 40, 4)
	lossy := func(ctx context.Context, path string) (engine.Store, error) {
		store, err := openSQLite(ctx, path)
		return forgetful{store, func(e []engine.Event) []engine.Event { return e[:len(e)-1] }}, err
	}
	_, err := load.stored(lossy, load.appends)(t.Context())
	require.ErrorContains(t, err, "1 of 40 acknowledged events are lost")

	broken := errors.New("broken")
	_, err = load.stored(func(context.Context, string) (engine.Store, error) { return nil, broken }, load.appends)(t.Context())
	require.ErrorIs(t, err, broken)
}
