package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reugn/go-streams"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// brittle breaks in one place, as often as it is told: it panics or ends its goroutine there.
type brittle struct {
	place string
	ways  string // in which it breaks

	mu    sync.Mutex
	times int
	left  int
}

func (b *brittle) at(place string) {
	if b.place != place {
		return
	}
	b.mu.Lock()
	b.left--
	breaks := b.left >= 0
	if breaks {
		b.times++
	}
	b.mu.Unlock()
	if !breaks {
		return
	}
	if b.ways == "panic" {
		panic("boom")
	}
	runtime.Goexit()
}

// chip is a command that is encoded, and its event.
type (
	chip    struct{ Fails bool }
	chipped struct{}
)

// chipCodec is called when a chip is decoded.
var chipCodec func()

func (c *chip) UnmarshalJSON(text []byte) error {
	chipCodec()
	type plain chip
	return json.Unmarshal(text, (*plain)(c))
}

func (b *brittle) Register(r *engine.Registry) {
	engine.OnCommand(r, "chip", "handler", func(_ context.Context, _ *engine.Command, c chip) ([]any, error) {
		b.at("handler")
		if c.Fails {
			return nil, engine.Temporary(errBroken)
		}
		return nil, nil
	})
	d := engine.NewDecider(r, "decider", func() int { b.at("initial state"); return 0 })
	engine.Decide(d, "chip", func(context.Context, int, chip) ([]any, error) {
		b.at("decider")
		return []any{chipped{}}, nil
	})
	engine.Evolve(d, "chipped", func(n int, _ chipped) int { b.at("evolve"); return n + 1 })
}

// The store, which also encodes and knows parked aggregates when it is asked to.
type brittleStore struct {
	engine.Store
	*brittle
	instant bool
}

func (s *brittleStore) Capabilities() engine.Capabilities {
	c := s.Store.Capabilities()
	c.Instant = s.instant
	return c
}

func (s *brittleStore) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	s.at("store's append")
	return s.Store.Append(ctx, batch)
}

func (s *brittleStore) Load(ctx context.Context, id string, from engine.Version) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		s.at("store's load")
		s.Store.Load(ctx, id, from)(yield)
	}
}

func (s *brittleStore) EncodePayloads([]engine.Event) error { s.at("encoder"); return nil }

// brittleLetters keeps dead letters, as far as a pipeline looks.
type brittleLetters struct{ *brittleStore }

func (s brittleLetters) ParkedBehind(string) (engine.ID, bool) {
	s.at("parked")
	return engine.ID{}, false
}

func (brittleLetters) CountDeadLetters() (letters, parked int) { return 0, 0 }

func (brittleLetters) DeadLetters(context.Context, uint64) iter.Seq2[engine.DeadLetter, error] {
	return func(func(engine.DeadLetter, error) bool) {}
}

func (brittleLetters) DeadLetter(context.Context, engine.ID) (engine.DeadLetter, bool, error) {
	return engine.DeadLetter{}, false, nil
}

func (brittleLetters) DropDeadLetters(context.Context, ...engine.ID) (int, error) { return 0, nil }

func (brittleLetters) EditDeadLetter(context.Context, engine.ID, *engine.Command) error { return nil }

// A sink for dead letters and behind the store.
type brittleSink struct {
	streams.Sink
	*brittle
	name string
}

func (s brittleSink) In() chan<- any   { s.at(s.name + "'s In"); return s.Sink.In() }
func (s brittleSink) AwaitCompletion() { s.at(s.name + "'s end"); s.Sink.AwaitCompletion() }
func (s brittleSink) Err() error       { s.at(s.name + "'s Err"); return nil }

func (b *brittle) sink(name string) streams.Sink {
	return brittleSink{sinks.Func(func(any) error { b.at(name); return nil }), b, name}
}

// The recorder.
type brittleRecorder struct {
	engine.Recorder
	*brittle
}

func (r brittleRecorder) Record(batches ...*engine.Batch) {
	r.at("recorder's Record")
	r.Recorder.Record(batches...)
}

func (r brittleRecorder) Run(ctx context.Context) error {
	r.at("recorder's Run")
	return r.Recorder.Run(ctx)
}
func (r brittleRecorder) Close() { r.Recorder.Close(); r.at("recorder's Close") }

// The sources.
type brittleStarter struct {
	out chan any
	*brittle
}

func (s brittleStarter) Start(context.Context)         { s.at("starter's Start") }
func (s brittleStarter) Out() <-chan any               { s.at("starter's Out"); return s.out }
func (s brittleStarter) Err() error                    { s.at("starter's Err"); return nil }
func (s brittleStarter) Via(streams.Flow) streams.Flow { panic("not called") }

func (b *brittle) sources(cmds []*engine.Command) []streams.Outlet {
	out := make(chan any) // closed at once; nobody sends
	close(out)
	n := len(cmds) / 2
	return []streams.Outlet{
		feeder{feed: func(_ context.Context, emit func([]*engine.Command) error) error {
			err := emit(cmds[:n])
			b.at("feeder")
			return err
		}},
		brittleStarter{out, b},
		sources.Seq(func(yield func(*engine.Command) bool) {
			for _, cmd := range cmds[n:] {
				if !yield(cmd) {
					return
				}
			}
			b.at("iterator")
		}),
		sources.JSONLines(brittleReader{b}),
	}
}

type brittleReader struct{ *brittle }

func (r brittleReader) Read([]byte) (int, error) { r.at("reader"); return 0, io.EOF }

// brittlePlaces is where code of others is called, and what becomes of its breaking: it is the outcome of one command, the
// error of the run, or neither. What a recorder of others loses has no outcome: the run ends with that.
var brittlePlaces = map[string]string{
	"handler": "outcome", "decider": "outcome", "initial state": "outcome", "evolve": "outcome", "codec": "outcome",
	"store's load": "outcome", "store's append": "neither", "encoder": "outcome", "parked": "outcome",
	"feeder": "error", "iterator": "error", "reader": "error",
	"starter's Start": "error", "starter's Out": "error", "starter's Err": "error",
	"letters": "neither", "letters's In": "error", "letters's end": "error", "letters's Err": "error",
	"follower": "neither", "follower's In": "error", "follower's end": "error", "follower's Err": "error",
	"recorder's Run": "lost", "recorder's Record": "lost", "recorder's Close": "error",
	"Settled": "neither", "Settled of a dead letter": "neither", "Retryable": "neither", "logger": "neither",
}

// Whatever breaks in code that was given to the pipeline, and how: it costs one command or one source or sink, nobody
// else's outcome, no goroutine and not the process.
func TestForeignCodeThatBreaks(t *testing.T) {
	for place, becomes := range brittlePlaces {
		for _, ways := range []string{"panic", "Goexit"} {
			for _, instant := range []bool{true, false} {
				t.Run(fmt.Sprint(place, "/", ways, "/instant=", instant), func(t *testing.T) {
					if place == "logger" && ways == "Goexit" {
						t.Skip("a logger that ends its goroutine ends what it was asked to log")
					}
					synctest.Test(t, func(t *testing.T) {
						b := &brittle{place: place, ways: ways, left: 1}
						b.test(t, becomes, instant)
					})
				})
			}
		}
	}
}

// The same again and again: no worker, no appender and no lane is lost.
func TestForeignCodeThatBreaksOften(t *testing.T) {
	for place, becomes := range brittlePlaces {
		if becomes == "error" || becomes == "lost" || strings.HasPrefix(place, "store") || place == "logger" {
			continue
		}
		for _, ways := range []string{"panic", "Goexit"} {
			t.Run(fmt.Sprint(place, "/", ways), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := &brittle{place: place, ways: ways, left: 40}
					b.test(t, "often", false)
				})
			})
		}
	}
}

func (b *brittle) test(t *testing.T, becomes string, instant bool) {
	store := &brittleStore{memory.New(), b, instant}
	recorder := brittleRecorder{sinks.NewStore(store).Then(b.sink("follower")), b}
	if b.place == "parked" {
		recorder.Recorder = sinks.NewStore(brittleLetters{store})
	}
	cmds := make([]*engine.Command, 200)
	for i := range cmds {
		text, err := json.Marshal(map[string]bool{"Fails": i%20 == 10})
		require.NoError(t, err)
		cmds[i] = engine.NewCommand(fmt.Sprint("a", i%7), engine.Raw(text))
		cmds[i].Type = "chip"
		cmds[i].Settled = func(o engine.Outcome) {
			b.at("Settled")
			if o.Status == engine.DeadLettered {
				b.at("Settled of a dead letter")
			}
		}
	}
	outcomes := watch(cmds...)
	chipCodec = func() { b.at("codec") }
	quiet := zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(io.Discard), zap.WarnLevel)
	core := zapcore.RegisterHooks(quiet, func(zapcore.Entry) error { b.at("logger"); return nil })
	letters := b.sink("letters")
	if b.place == "logger" {
		letters = nil // dead letters are logged
	}
	p, err := pipeline.New(engine.NewRegistry(b), recorder, pipeline.Options{
		Workers: 3, Batch: 4, DeadLetters: letters, Logger: zap.New(core), DrainTimeout: 10 * time.Second,
		Retry: pipeline.RetryPolicy{Attempts: 2, Retryable: func(err error) bool { b.at("Retryable"); return engine.Retryable(err) }},
	})
	require.NoError(t, err)
	began := time.Now()
	report, err := p.Run(context.Background(), b.sources(cmds)...)
	if becomes != "lost" {
		require.Less(t, time.Since(began), 9*time.Second, "nothing waits for the drain timeout")
	}
	require.Positive(t, b.times, "nothing broke: this test shows nothing")
	b.judge(t, becomes, err, outcomes(), report)
}

func (b *brittle) judge(t *testing.T, becomes string, err error, outcomes []engine.Outcome, report pipeline.Report) {
	broken := map[string]string{"panic": "boom", "Goexit": "Goexit"}[b.ways]
	told, blamed := 0, 0
	for _, o := range outcomes {
		if o.Status != 0 {
			told++
		}
		if o.Err != nil && !errors.Is(o.Err, errBroken) {
			blamed++
			if o.Status != engine.Unknown && becomes != "lost" {
				require.ErrorContains(t, o.Err, broken)
			}
		}
	}
	require.Equal(t, report.Commands, told)
	require.Equal(t, report.InFlight == 0, becomes != "lost")
	require.Zero(t, report.Sequence.Gaps+report.Sequence.Swaps+report.Sequence.Duplicates)
	switch becomes {
	case "outcome":
		require.NoError(t, err)
		require.Positive(t, blamed)
		require.Equal(t, len(outcomes), told)
	case "error", "lost":
		require.ErrorContains(t, err, broken)
		if b.ways == "panic" {
			var panicked *engine.PanicError
			require.ErrorAs(t, err, &panicked)
			require.Contains(t, string(panicked.Stack), "brittle", "the stack tells where")
		}
	default:
		require.Equal(t, len(outcomes), told)
	}
}
