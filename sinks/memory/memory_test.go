package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStore proves every rule of engine.Store.
func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) engine.Store { return memory.New() })
}
