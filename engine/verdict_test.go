package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

func TestSequenceOK(t *testing.T) {
	require.True(t, engine.Sequence{}.OK())
	for _, bad := range []engine.Sequence{{Gaps: 1}, {Swaps: 1}, {Lost: 1}, {Duplicates: 1}} {
		require.False(t, bad.OK(), "%+v", bad)
	}
}
