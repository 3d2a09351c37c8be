//go:build !unix

package sqlite

import (
	"errors"
	"fmt"
)

// fileLock keeps other writers out; this system has no lock that we can trust to vanish with its process.
type fileLock struct{}

// lockFile refuses: a writer without a lock could be one of two.
func lockFile(path string) (*fileLock, error) {
	return nil, fmt.Errorf("sqlite: lock of %s: %w", path, errors.ErrUnsupported)
}

// release does nothing.
func (*fileLock) release() error { return nil }
