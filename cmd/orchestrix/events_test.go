package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEventsFilters(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	c := orchestrix(t, "", "run", "--commands", "300", "--aggregates", "10", "--seed", "5", "--store", store)
	require.Equal(t, 0, c.status, c.err)
	all := storedEvents(t, orchestrix(t, "", "events", "--store", store))
	require.Len(t, all, 300)

	one := storedEvents(t, orchestrix(t, "", "events", "--store", store, "--aggregate", "order-5-000004"))
	require.Len(t, one, 30)
	for i, e := range one {
		require.Equal(t, "order-5-000004", e.Subject)
		require.EqualValues(t, i+1, e.Version)
	}
	require.Equal(t, all[99:], storedEvents(t, orchestrix(t, "", "events", "--store", store, "--from", all[99].Position)))
	require.Empty(t, storedEvents(t, orchestrix(t, "", "events", "--store", store, "--aggregate", "nobody")))
}

// A follower sees what is there, then what another run appends meanwhile, each event once and in sequence.
func TestEventsFollow(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	run := func(seed string) {
		c := orchestrix(t, "", "run", "--commands", "200", "--aggregates", "7", "--seed", seed, "--store", store)
		require.Equal(t, 0, c.status, c.err)
	}
	run("1")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out := &lineCounter{most: 400, reached: stop}
	var status int
	var follower sync.WaitGroup
	follower.Go(func() {
		args := []string{"events", "--store", store, "--follow"}
		status = execute(ctx, args, streams{strings.NewReader(""), out, &bytes.Buffer{}})
	})
	run("2")
	follower.Wait()
	require.Equal(t, 0, status)
	followed := storedEvents(t, call{out: out.String()})
	require.Equal(t, storedEvents(t, orchestrix(t, "", "events", "--store", store)), followed)
}

// lineCounter keeps what is written and calls reached with the line number most.
type lineCounter struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	lines   int
	most    int
	reached func()
}

func (c *lineCounter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines += bytes.Count(p, []byte("\n"))
	if c.lines >= c.most {
		c.reached()
	}
	return c.buf.Write(p)
}

func (c *lineCounter) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}
