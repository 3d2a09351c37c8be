package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signals are the three that a user may send: the first ends the context, so that what was read is finished; the second
// cuts that, or ends the program where nothing can be cut; the third ends it in any case.
type signals struct {
	got  chan os.Signal
	mu   sync.Mutex
	cut  func() // nil when there is nothing to cut
	over context.CancelFunc
}

// signalsKey is the key of the signals in a context.
type signalsKey struct{}

// notify gives a context that the first signal ends.
func notify(parent context.Context) context.Context {
	s := &signals{got: make(chan os.Signal, 2)} // package signal sends without waiting, handle receives; room for the two
	ctx, over := context.WithCancel(context.WithValue(parent, signalsKey{}, s))
	s.over = over
	signal.Notify(s.got, os.Interrupt, syscall.SIGTERM)
	return ctx
}

// handle waits for signals, for as long as the program runs.
func (s *signals) handle(err io.Writer, exit func(status int)) {
	<-s.got
	s.over()
	<-s.got
	signal.Stop(s.got)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut == nil {
		fmt.Fprintln(err, "orchestrix: interrupted again: ended at once, without a report")
		exit(exitInterrupted)
		return
	}
	s.cut()
}

// onSecond says what the second signal cuts, until the func it gives is called.
func onSecond(ctx context.Context, cut func()) (done func()) {
	s, ok := ctx.Value(signalsKey{}).(*signals)
	if !ok {
		return func() {}
	}
	set := func(cut func()) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cut = cut
	}
	set(cut)
	return func() { set(nil) }
}
