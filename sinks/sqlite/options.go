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

	vfs string // the name of SQLite's file system; tests inject faults with it
}

// validate fills in the defaults and reports every fault.
func (o *Options) validate(path string) error {
	var errs []error
	if path == "" {
		errs = append(errs, errors.New("sqlite: path is empty"))
	}
	if o.Readers == 0 {
		o.Readers = defaultReaders
	}
	if o.Readers < 1 || o.Readers > maxReaders {
		errs = append(errs, fmt.Errorf("sqlite: Readers is %d, 1 to %d are allowed", o.Readers, maxReaders))
	}
	return errors.Join(errs...)
}
