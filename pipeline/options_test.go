package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// Every fault is reported at once, each with what is allowed.
func TestOptionsFaults(t *testing.T) {
	_, err := pipeline.New(engine.NewRegistry(), sinks.NewStore(memory.New()), pipeline.Options{
		Workers: 1<<16 + 1, Window: -1, Batch: 4097, Conflicts: -7, DrainTimeout: -time.Second,
	})
	require.Error(t, err)
	require.Equal(t, []string{
		"pipeline: Options.Workers is 65537: give 1 to 65536, or 0 for 64",
		"pipeline: Options.Window is -1: give 1 to 1048576, or 0 for 4096",
		"pipeline: Options.Batch is 4097: give 1 to 4096, or 0 for 256",
		"pipeline: Options.Conflicts is -7: give 1 to 1000, or 0 for 20",
		"pipeline: Options.DrainTimeout is -1s: give a positive duration, or 0 for 10 s",
	}, strings.Split(err.Error(), "\n"))
}

// The smallest and the largest values work.
func TestOptionsBounds(t *testing.T) {
	for _, options := range []pipeline.Options{
		{Workers: 1, Window: 1, Batch: 1, Cache: -1, Conflicts: 1, DrainTimeout: 1},
		{Workers: 1 << 10, Window: 1 << 20, Batch: 4096, Cache: 1 << 30, Conflicts: 1000, DrainTimeout: 1 << 62},
	} {
		b := newBelt(t, memory.New(), options)
		require.Equal(t, 100, statuses(b.feed(puts("a", 100)...))[engine.Accepted])
	}
}
