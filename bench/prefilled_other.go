//go:build !linux

package bench

import "os"

// syncData makes what was written durable.
func syncData(file *os.File) error { return file.Sync() }

// inMemory tells whether files of this folder are kept in memory only. It is known on Linux only.
func inMemory(string) (bool, error) { return false, nil }
