package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/bench"
)

// peersModule makes a module of one program.
func peersModule(t *testing.T, program string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.test/peers\n\ngo 1.26\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600))
	return dir
}

const printsStudy = `package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "a peer says something")
	fmt.Printf("[{\"name\":\"peers\",\"unit\":\"commands/s\",\"work\":%q,\"rows\":[{\"name\":\"a peer\",\"samples\":[null,5]}]}]\n",
		fmt.Sprint(os.Args[1:]))
}
`

func TestBenchPeers(t *testing.T) {
	dir := peersModule(t, printsStudy)
	c := benched(t.Context(), nil, tiny(), "--peers", dir, "--runs", "2", "--quick", "--json")
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.err, "measuring peers (3 of 3)")
	studies := c.report(t).Studies
	require.Len(t, studies, 3)
	require.Equal(t, "peers", studies[2].Name)
	require.Equal(t, "[--json --runs=2 --quick]", studies[2].Work)

	c = benched(t.Context(), nil, tiny(), "peers", "--peers", dir)
	require.Equal(t, 0, c.status, c.err)
	require.NotContains(t, c.out, "seed is measured")
}

func TestBenchPeersThatFail(t *testing.T) {
	broken := peersModule(t, "package main\n\nfunc main() { nothing() }\n")
	c := benched(t.Context(), nil, tiny(), "--peers", broken)
	require.Equal(t, 0, c.status, c.err)
	require.Contains(t, c.err, "peers: SKIPPED, "+broken+" does not build")
	require.Contains(t, c.err, "undefined: nothing")
	c = benched(t.Context(), nil, tiny(), "peers", "--peers", broken)
	require.Equal(t, exitUsage, c.status, "named, and impossible")

	fails := peersModule(t, "package main\n\nfunc main() { panic(\"a peer broke\") }\n")
	c = benched(t.Context(), nil, tiny(), "--peers", fails)
	require.Equal(t, exitBroken, c.status)
	require.Contains(t, c.err, "a peer broke")
	talks := peersModule(t, "package main\n\nfunc main() { println(1) }\n")
	c = benched(t.Context(), nil, tiny(), "peers", "--peers", talks)
	require.Equal(t, exitBroken, c.status, "what it prints is no study")
}

// A signal reaches the program of the peers too.
func TestBenchPeersInterrupted(t *testing.T) {
	dir := peersModule(t, "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n")
	ctx, stop := context.WithCancel(t.Context())
	peers, remove, err := buildPeers(ctx, dir)
	require.NoError(t, err)
	defer remove()
	stop()
	_, err = peers.Run(ctx, bench.Effort{})
	require.Error(t, err)
	c := benched(ctx, nil, tiny(), "--peers", dir)
	require.Equal(t, exitInterrupted, c.status, c.err)
}
