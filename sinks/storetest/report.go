package storetest

import (
	"context"

	"github.com/orchestrix-go/orchestrix/engine"
)

// reporter is what a check tells its findings to: a *testing.T, or in this package's own tests a recorder, which shows
// that a store known to be bad is caught without failing the test that looks at it.
type reporter interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Log(args ...any)
	Errorf(format string, args ...any)
	Error(args ...any)
	Fatalf(format string, args ...any)
	Fatal(args ...any)
	Skipf(format string, args ...any)
	Skip(args ...any)
	SkipNow()
	FailNow()
	Fail()
	Failed() bool
	Cleanup(f func())
	TempDir() string
	ArtifactDir() string
	Context() context.Context
}

// opener opens the data in a directory for whoever reports to t.
type opener func(t reporter, dir string) engine.Store
