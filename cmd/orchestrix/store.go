package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

const (
	memoryStore  = "memory:"
	defaultStore = "data/orders.db"
	storeHelp    = "where events rest: memory: or the path of a file, made if need be"
)

// openStore opens what --store names: memory: or a file.
func openStore(ctx context.Context, name string, codec engine.Codec) (engine.Store, error) {
	if name == memoryStore {
		return memory.New(), nil
	}
	if err := checkStorePath(name); err != nil {
		return nil, err
	}
	return opened(ctx, name, sqlite.Options{Codec: codec})
}

// openStored opens a file for reading, beside a process that may be writing it.
func openStored(ctx context.Context, path string) (engine.Store, error) {
	if path == memoryStore {
		return nil, usage("--store memory: has nothing to read: it ends with the run that fills it; give the path of a file")
	}
	if err := checkStorePath(path); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, usage("there is no store %s: run makes one", path)
	}
	return opened(ctx, path, sqlite.Options{ReadOnly: true})
}

func opened(ctx context.Context, path string, options sqlite.Options) (engine.Store, error) {
	store, err := sqlite.Open(ctx, path, options)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, interrupted("the store was not opened")
	case errors.Is(err, sqlite.ErrLocked):
		return nil, usage("cannot open the store: %w: try again when that has ended; status tells what it is doing", err)
	case err != nil:
		return nil, usage("cannot open the store: %w", err)
	}
	return store, nil
}

// checkWorkers refuses what the pipeline would refuse, before a store is made for it.
func checkWorkers(n int) error {
	if n < 0 || n > 1<<16 {
		return usage("--workers is %d: give 1 to %d, or 0 for the default", n, 1<<16)
	}
	return nil
}

func checkStorePath(path string) error {
	switch {
	case path == "":
		return usage("--store is empty: give memory: or the path of a file")
	case strings.Contains(path, "://"):
		return usage("--store %s: this program knows memory: and the path of a file", path)
	}
	return nil
}

// deadLettersOf is the file beside a store that takes what could not be handled.
func deadLettersOf(store string) string {
	if store == memoryStore {
		return "orchestrix.dead.jsonl"
	}
	return store + ".dead.jsonl"
}
