package bench

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThisMachine(t *testing.T) {
	m := ThisMachine()
	require.Equal(t, runtime.GOMAXPROCS(0), m.Cores)
	require.Equal(t, runtime.Version(), m.Go)
	require.Equal(t, runtime.GOOS+"/"+runtime.GOARCH, m.OS)
	require.GreaterOrEqual(t, m.MemoryGiB, 0)
}

func TestProcValue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cpuinfo")
	require.NoError(t, os.WriteFile(path, []byte("processor\t: 0\nmodel name\t: First: a CPU @ 2 GHz \nmodel name\t: Second\nflags\n"), 0o600))
	require.Equal(t, "First: a CPU @ 2 GHz", procValue(path, "model name"))
	require.Empty(t, procValue(path, "flags"))
	require.Empty(t, procValue(path, "MemTotal"))
	require.Empty(t, procValue(filepath.Join(t.TempDir(), "none"), "processor"))
}
