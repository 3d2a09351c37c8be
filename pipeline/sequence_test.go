package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/pipeline"
)

func TestSequenceOK(t *testing.T) {
	require.True(t, pipeline.Sequence{}.OK())
	for _, bad := range []pipeline.Sequence{{Gaps: 1}, {Swaps: 1}, {Lost: 1}, {Duplicates: 1}} {
		require.False(t, bad.OK(), "%+v", bad)
	}
}
