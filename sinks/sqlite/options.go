package sqlite

import (
	"errors"
	"fmt"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Limits of the Options.
const (
	defaultReaders = 4
	maxReaders     = 64
)

// Options say how a file is opened. The zero value opens it for writing and keeps payloads as they are.
type Options struct {
	// Codec turns payloads into bytes and back; an [engine.Registry] is one. Nil means that payloads must be
	// [engine.Raw] already, or nil, and are read back as they were written.
	Codec engine.Codec
	// ReadOnly opens the file beside its writer, which may be another process. Append then answers ErrReadOnly, and Wait
	// looks for new events every 50 ms. The file must exist.
	ReadOnly bool
	// Readers is how many connections read at the same time, 1 to 64. Each costs some MiB of memory once it is used.
	// Zero means 4.
	Readers int

	tuning tuning
}

// tuning is what only tests change. The zero value of each field is the product.
type tuning struct {
	disk             disk   // nil is the operating system's
	synchronous      string // SQLite's setting; FULL
	tailEvents       int    // see defaultTailEvents
	checkpointPages  int    // see defaultCheckpointPages
	checkpointInTurn bool   // see checkpointer
	neverPoisoned    bool   // go on after a failed commit: what a store must not do
}

// validate fills in the defaults and reports every fault.
func (o *Options) validate(path string) error {
	var errs []error
	if path == "" {
		errs = append(errs, errors.New("sqlite: path is empty"))
	}
	if o.tuning.disk == nil {
		o.tuning.disk = osDisk{}
	}
	if o.tuning.synchronous == "" {
		o.tuning.synchronous = "FULL"
	}
	if o.tuning.tailEvents == 0 {
		o.tuning.tailEvents = defaultTailEvents
	}
	if o.tuning.checkpointPages == 0 {
		o.tuning.checkpointPages = defaultCheckpointPages
	}
	if o.Readers == 0 {
		o.Readers = defaultReaders
	}
	if o.Readers < 1 || o.Readers > maxReaders {
		errs = append(errs, fmt.Errorf("sqlite: Readers is %d, 1 to %d are allowed", o.Readers, maxReaders))
	}
	return errors.Join(errs...)
}
