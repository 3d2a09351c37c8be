package bench

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// ThisMachine describes where the program runs. What the system does not tell stays empty: the model of the processor and
// the memory are known on Linux only.
func ThisMachine() Machine {
	kib, _ := strconv.ParseFloat(strings.TrimSuffix(procValue("/proc/meminfo", "MemTotal"), " kB"), 64)
	return Machine{
		Cores:     runtime.GOMAXPROCS(0),
		CPU:       procValue("/proc/cpuinfo", "model name"),
		MemoryGiB: int(math.Round(kib / (1 << 20))),
		OS:        runtime.GOOS + "/" + runtime.GOARCH,
		Go:        runtime.Version(),
	}
}

// String is the machine on one line, without what is not known.
func (m Machine) String() string {
	parts := []string{fmt.Sprintf("%d cores", m.Cores), m.CPU, fmt.Sprintf("%d GiB", m.MemoryGiB), m.OS, m.Go}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" || strings.HasPrefix(s, "0 ") }), ", ")
}

// procValue gives the first value of a key in a file of "key: value" lines, or nothing.
func procValue(path, key string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
