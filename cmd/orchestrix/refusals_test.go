package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Twenty rejected commands are told one by one, and how many more there are.
func TestRefusalsAreBounded(t *testing.T) {
	var r refusals
	for range deadLettersShown + 3 {
		r.settled(engine.NewCommand("a", nil), engine.Outcome{Status: engine.Rejected, Reason: "closed"})
		r.settled(engine.NewCommand("a", nil), engine.Outcome{Status: engine.Accepted})
	}
	var said strings.Builder
	r.print(&said)
	require.Equal(t, deadLettersShown, strings.Count(said.String(), ": closed\n"))
	require.Contains(t, said.String(), "\nand 3 more were rejected\n")
}
