package bench

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// The commonest reasons are told, each with the first of its commands; reasons without an end take no room without an end.
func TestRejectionsAreBounded(t *testing.T) {
	audit := NewAudit()
	reject := func(reason string) engine.ID {
		cmd := engine.NewCommand("a", nil)
		audit.Note(cmd)
		cmd.Settled(engine.Outcome{CommandID: cmd.ID, Status: engine.Rejected, Reason: reason})
		return cmd.ID
	}
	var first engine.ID
	for i := range 5000 {
		reject(fmt.Sprint("reason ", i))
		if id := reject("closed"); i == 0 {
			first = id
		}
	}
	require.Len(t, audit.rejections, reasonsCounted)
	why := audit.why()
	require.Len(t, why, reasonsTold)
	require.Equal(t, Rejection{Reason: "closed", Commands: 5000, Example: first}, why[0])
}
