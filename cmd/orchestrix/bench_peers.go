package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/orchestrix-go/orchestrix/bench"
)

const (
	peersName  = "peers"
	peersShort = "the same work by Watermill, Event Horizon, goes, protoactor-go and go-streams; needs a clone and Go"
)

// peersGrace is how long the program of the peers has to end after an interrupt.
const peersGrace = 5 * time.Second

// buildPeers builds the program that measures the peers. It is a module of its own, so that none of them comes into the
// product. An error says why they cannot be measured here; without one, call remove when the program is not needed any more.
func buildPeers(ctx context.Context, dir string) (peers bench.Experiment, remove func(), err error) {
	if dir == "" {
		return peers, nil, errors.New("--peers is empty")
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return peers, nil, fmt.Errorf("there is no module %s: run this in a clone, or say with --peers where it is", dir)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return peers, nil, fmt.Errorf("their program has to be built: %w", err)
	}
	folder, err := os.MkdirTemp("", "orchestrix-peers-*")
	if err != nil {
		return peers, nil, err
	}
	remove = func() { os.RemoveAll(folder) }
	program := filepath.Join(folder, "peers")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir = dir
	if says, err := build.CombinedOutput(); err != nil {
		remove()
		return peers, nil, fmt.Errorf("%s does not build: %w\n%s", dir, err, bytes.TrimSpace(says))
	}
	run := func(ctx context.Context, effort bench.Effort) ([]bench.Study, error) {
		return runPeers(ctx, program, effort)
	}
	return bench.Experiment{Name: peersName, Short: peersShort, Run: run}, remove, nil
}

// runPeers runs the program and reads the studies that it prints.
func runPeers(ctx context.Context, program string, effort bench.Effort) ([]bench.Study, error) {
	args := []string{"--json", fmt.Sprint("--runs=", effort.Runs)}
	if effort.Quick {
		args = append(args, "--quick")
	}
	var out, says bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &out, &says
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = peersGrace
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, bytes.TrimSpace(says.Bytes()))
	}
	return bench.ReadStudies(&out)
}
