package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPipelineStudy(t *testing.T) {
	studies, err := pipelineOf(t.Context(), Effort{Runs: 1}, NewWorkload(2000, 10))
	require.NoError(t, err)
	require.Len(t, studies, 1)
	s := studies[0]
	requireStudy(t, s, len(PipelineWays(NewWorkload(1, 1))))
	require.Equal(t, "pipeline", s.Name)
	require.Len(t, s.Checks, 4)
	for _, row := range s.Rows {
		require.Zero(t, row.Columns[2], row.Name)
	}
	require.True(t, s.Checks[3].OK, "nothing of ours is out of sequence")
	for _, c := range s.Checks[:2] {
		require.Positive(t, c.Value, c.Name)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Pipeline(ctx, Effort{Quick: true})
	require.ErrorIs(t, err, context.Canceled)
}
