package engine_test

import (
	"context"
	"io"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

func TestExpected(t *testing.T) {
	for _, c := range []struct {
		expected engine.Expected
		text     string
		holds    [3]bool // at version 0, 1 and 2
	}{
		{engine.NoStream, "version 0", [3]bool{true, false, false}},
		{engine.Exactly(0), "version 0", [3]bool{true, false, false}},
		{engine.Exactly(1), "version 1", [3]bool{false, true, false}},
		{engine.Any, "any version", [3]bool{true, true, true}},
	} {
		require.Equal(t, c.text, c.expected.String())
		for v, want := range c.holds {
			require.Equal(t, want, c.expected.Holds(engine.Version(v)), "%s at version %d", c.expected, v)
		}
	}
	require.Equal(t, engine.NoStream, engine.Append{}.Expected, "forgetting to set it can never overwrite a decision")
}

func TestResultOutcome(t *testing.T) {
	require.Equal(t,
		engine.Outcome{CommandID: id(t, 1), Status: engine.Accepted, First: 3, Last: 4, Position: 9},
		engine.Result{First: 3, Last: 4, Position: 9}.Outcome(id(t, 1)))
	require.Equal(t,
		engine.Outcome{CommandID: id(t, 1), Status: engine.Accepted, First: 3, Last: 2, Repeated: true},
		engine.Result{First: 3, Last: 2, Duplicate: true}.Outcome(id(t, 1)))
	require.Equal(t,
		engine.Outcome{CommandID: id(t, 1), Status: engine.Rejected, First: 3, Last: 2, Reason: "no", Repeated: true},
		engine.Result{First: 3, Last: 2, Rejection: "no", Duplicate: true}.Outcome(id(t, 1)))
}

func TestCheckAppend(t *testing.T) {
	events := func(n, bytes int) []engine.Event {
		events := make([]engine.Event, n)
		for i := range events {
			events[i].Message = engine.Message{Type: "t", Subject: "a", Data: engine.Raw(strings.Repeat("x", bytes))}
		}
		return events
	}
	event := func(typ, subject string) []engine.Event {
		return []engine.Event{events(1, 0)[0], {Message: engine.Message{Type: typ, Subject: subject}}}
	}
	message := func(m engine.Message) []engine.Event {
		m.Type, m.Subject = "t", "a"
		return append(events(1, 0), engine.Event{Message: m})
	}
	passed := engine.Append{Aggregate: "a", Events: events(2, 0)}
	require.NoError(t, engine.CheckAppend(&passed))
	for _, c := range []struct {
		name, want string // want is empty when the append is allowed
		append     engine.Append
	}{
		{"one event", "", engine.Append{Aggregate: "a", Events: events(1, 1)}},
		{"nothing", "", engine.Append{Aggregate: "a"}},
		{"rejection", "", engine.Append{Aggregate: "a", Rejection: "no"}},
		{"most events", "", engine.Append{Aggregate: "a", Events: events(4096, 256)}},
		{"most bytes in one", "", engine.Append{Aggregate: "a", Events: events(1, 1<<20)}},
		{"payload not encoded", "", engine.Append{Aggregate: "a", Events: []engine.Event{
			{Message: engine.Message{Type: "t", Subject: "a", Data: strings.Repeat("x", 1<<21)}},
		}}},
		{"longest rejection", "", engine.Append{Aggregate: "a", Rejection: strings.Repeat("x", 1<<20)}},
		{"no aggregate", "aggregate id is empty", engine.Append{Events: events(1, 1)}},
		{"bad aggregate", `aggregate id "\x00" holds a control character`, engine.Append{Aggregate: "\x00"}},
		{"both", "append holds both a rejection and events", engine.Append{Aggregate: "a", Rejection: "no", Events: events(1, 1)}},
		{"too many events", "append has 4097 events, 4096 are allowed", engine.Append{Aggregate: "a", Events: events(4097, 0)}},
		{
			"too many bytes", "append has 1048577 payload bytes, 1048576 are allowed",
			engine.Append{Aggregate: "a", Events: append(events(4, 1<<18), events(1, 1)...)},
		},
		{
			"rejection too long", "append has 1048577 payload bytes, 1048576 are allowed",
			engine.Append{Aggregate: "a", Rejection: strings.Repeat("x", 1<<20+1)},
		},
		{"no type", "type is empty", engine.Append{Aggregate: "a", Events: event("", "a")}},
		{"bad type", `type "\x7f" holds a control character`, engine.Append{Aggregate: "a", Events: event("\x7f", "a")}},
		{"bad source", "source has 256 bytes, 255 are allowed", engine.Append{
			Aggregate: "a", Events: message(engine.Message{Source: strings.Repeat("x", 256)}),
		}},
		{"bad content type", `content type "\n" holds a control character`, engine.Append{
			Aggregate: "a", Events: message(engine.Message{ContentType: "\n"}),
		}},
		{"bad schema", `schema "\n" holds a control character`, engine.Append{
			Aggregate: "a", Events: message(engine.Message{Schema: "\n"}),
		}},
		{"bad trace", `traceparent "\n" holds a control character`, engine.Append{
			Aggregate: "a", Events: message(engine.Message{TraceParent: "\n"}),
		}},
		{"bad metadata", `metadata name "\n" holds a control character`, engine.Append{
			Aggregate: "a", Events: message(engine.Message{Metadata: map[string]string{"\n": ""}}),
		}},
		{"another's event", `event subject "b" is not the aggregate "a"`, engine.Append{Aggregate: "a", Events: event("t", "b")}},
		{"nobody's event", `event subject "" is not the aggregate "a"`, engine.Append{Aggregate: "a", Events: event("t", "")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, err := range []error{engine.CheckAppend(&c.append), c.append.CheckAfter(&passed)} {
				if c.want == "" {
					require.NoError(t, err)
					continue
				}
				require.EqualError(t, err, "engine: "+c.want)
				require.ErrorIs(t, err, engine.ErrLimit)
			}
		})
	}
}

// tiny is a log of positions only, enough to be followed. Reading can be made to fail at a position.
type tiny struct {
	engine.Store // the methods that Follow must not need

	mu      sync.Mutex
	log     []engine.Position
	grown   chan struct{} // closed by add and Close when the log has grown, and made anew; nobody sends
	closed  bool
	broken  engine.Position // Read fails with io.EOF when it comes to this one; 0 never
	reading int             // reads under way: one that was broken off has to end
}

func newTiny(positions ...engine.Position) *tiny {
	return &tiny{log: positions, grown: make(chan struct{})}
}

func (s *tiny) add(positions ...engine.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, positions...)
	close(s.grown)
	s.grown = make(chan struct{})
}

func (s *tiny) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.add()
	return nil
}

func (s *tiny) Read(ctx context.Context, after engine.Position) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		s.mu.Lock()
		log := s.log
		s.reading++
		s.mu.Unlock()
		defer func() { s.mu.Lock(); s.reading--; s.mu.Unlock() }()
		for _, p := range log {
			switch {
			case p <= after:
			case ctx.Err() != nil:
				yield(engine.Event{}, ctx.Err())
				return
			case p == s.broken:
				yield(engine.Event{}, io.EOF)
				return
			case !yield(engine.Event{Position: p}, nil):
				return
			}
		}
	}
}

func (s *tiny) Wait(ctx context.Context, after engine.Position) error {
	for {
		s.mu.Lock()
		grown, closed, there := s.grown, s.closed, len(s.log) > 0 && s.log[len(s.log)-1] > after
		s.mu.Unlock()
		switch {
		case closed:
			return engine.ErrClosed
		case there:
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow collects what Follow yields until it ends or most events were seen.
func follow(ctx context.Context, s *tiny, after engine.Position, most int) (seen []engine.Position, errs []error) {
	for e, err := range engine.Follow(ctx, s, after) {
		if err != nil {
			errs = append(errs, err)
			continue // a Follow that went on after its error would show
		}
		if seen = append(seen, e.Position); len(seen) == most {
			break
		}
	}
	return seen, errs
}

// What is there and what comes later arrives in sequence, each position once, none skipped, however it is cut.
func TestFollowReadsAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTiny(2, 5, 7)
		go func() {
			for _, p := range []engine.Position{8, 20, 40} {
				time.Sleep(time.Second)
				s.add(p, p+1) // two in one append
			}
		}()
		begin := time.Now()
		seen, errs := follow(t.Context(), s, 2, 8)
		require.Empty(t, errs)
		require.Equal(t, []engine.Position{5, 7, 8, 9, 20, 21, 40, 41}, seen)
		require.Equal(t, 3*time.Second, time.Since(begin), "each is seen as soon as it is there")
		require.Zero(t, s.reading)
	})
}

func TestFollowEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		seen, errs := follow(ctx, newTiny(1, 2), 0, 100)
		require.Equal(t, []engine.Position{1, 2}, seen)
		require.Empty(t, errs, "that the context ended is no error of the log")
		require.Equal(t, time.Minute, time.Since(begin))

		seen, errs = follow(ctx, newTiny(1, 2), 0, 100)
		require.Empty(t, seen)
		require.Empty(t, errs)
	})
}

func TestFollowEndsWithTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTiny(1)
		go func() {
			time.Sleep(time.Second)
			_ = s.Close()
		}()
		seen, errs := follow(t.Context(), s, 0, 100)
		require.Equal(t, []engine.Position{1}, seen)
		require.Equal(t, []error{engine.ErrClosed}, errs)
	})
}

func TestFollowEndsWithAnError(t *testing.T) {
	s := newTiny(1, 2, 3)
	s.broken = 3
	seen, errs := follow(t.Context(), s, 0, 100)
	require.Equal(t, []engine.Position{1, 2}, seen)
	require.Equal(t, []error{io.EOF}, errs)
	require.Zero(t, s.reading)
}

func TestFollowBreaksOff(t *testing.T) {
	s := newTiny(1, 2, 3)
	seen, errs := follow(t.Context(), s, 0, 2)
	require.Equal(t, []engine.Position{1, 2}, seen)
	require.Empty(t, errs)
	require.Zero(t, s.reading, "the read behind has ended")
}
