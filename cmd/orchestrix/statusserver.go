package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/pipeline"
)

// statusPatience is how long one status may take to be written, or read.
const statusPatience = 5 * time.Second

// told is what a running program says of itself: one line of JSON for whoever connects to the socket beside its store.
type told struct {
	Running bool             `json:"running"`
	PID     int              `json:"pid,omitempty"`
	Began   time.Time        `json:"began,omitzero"`
	Status  *pipeline.Status `json:"status,omitempty"`
	Letters *letterTotals    `json:"letters,omitempty"` // when the store was asked too
}

// socketOf is the socket beside a store.
func socketOf(store string) string { return store + ".sock" }

// serve makes a pipeline that is about to run listen to the second signal, and to who asks for its status, until the func it
// gives is called.
func serve(ctx context.Context, store string, p *pipeline.Pipeline, w io.Writer) (stop func()) {
	stopStatus, uncut := serveStatus(store, p, w), onSecond(ctx, p.Cut)
	return func() {
		uncut()
		stopStatus()
	}
}

// serveStatus tells the status to whoever asks, until the func it gives is called. Whoever has opened the store for writing
// is alone with it, so that a socket which is there already was left behind. A run needs no status: what is wrong is said
// and that is all.
func serveStatus(store string, p *pipeline.Pipeline, w io.Writer) (stop func()) {
	if store == memoryStore {
		return func() {}
	}
	path := socketOf(store)
	_ = os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		fmt.Fprintf(w, "no status is served: %v\n", err)
		if listener != nil {
			listener.Close()
		}
		return func() {}
	}
	began := time.Now()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			status := p.Status()
			_ = conn.SetDeadline(time.Now().Add(statusPatience))
			_ = json.NewEncoder(conn).Encode(told{Running: true, PID: os.Getpid(), Began: began, Status: &status})
			conn.Close()
		}
	})
	return func() {
		listener.Close() // it takes the socket away
		serving.Wait()
	}
}

// askStatus asks whoever runs on a store. False: nobody does.
func askStatus(store string) (t told, running bool, err error) {
	conn, err := net.DialTimeout("unix", socketOf(store), statusPatience)
	if err != nil {
		return told{}, false, nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(statusPatience))
	if err := json.NewDecoder(conn).Decode(&t); err != nil {
		return told{}, false, fmt.Errorf("the program that runs on %s does not say what it does: %w", store, err)
	}
	return t, true, nil
}
