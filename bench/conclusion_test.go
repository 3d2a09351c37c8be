package bench

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConclusion(t *testing.T) {
	require.Equal(t, "Measured; nothing was held against a threshold.", Report{}.Conclusion())
	r := Report{Studies: []Study{
		{
			Name: "seed", Unit: "ms", Less: true, Rows: []Row{{Name: "sync", Samples: []float64{554}}, {Name: "ours", Ours: true, Samples: []float64{1.31}}},
			Checks: []Check{AtMost("ours / one sleep", 1.2, 1.6)},
		},
	}}
	require.Equal(t, "ours takes 1.31 ms: 1.2 times one sleep; the one threshold holds.", r.Conclusion())
	r.Studies = append(r.Studies, Study{
		Name: "pipeline", Unit: "commands/s", Rows: []Row{{Name: "Orchestrix", Ours: true, Samples: []float64{3.1e6}}},
		Checks: []Check{AtLeast("Orchestrix / by hand, Event{any}", 0.564, 0.45), AtLeast("Orchestrix / go-streams", 4.12, 3), AtMost("allocations", 3, 4)},
	})
	require.Equal(t, "Orchestrix does 3.10 M commands/s: 0.564 of by hand, 4.12 times go-streams; every one of 4 thresholds holds.",
		r.Conclusion())
	r.Studies = append(r.Studies, Study{Name: "peers", Checks: []Check{
		AtLeast("Orchestrix / go-streams", 9, 3), AtLeast("Orchestrix / Watermill, blocking", 44, 30), AtLeast("other / this", 2, 1),
	}})
	require.Contains(t, r.Conclusion(), ": 0.564 of by hand, 4.12 times go-streams, 44 times Watermill; every one of 7 thresholds holds.")
	r.Studies[1].Checks[1] = AtLeast("Orchestrix / go-streams", math.NaN(), 3)
	require.Contains(t, r.Conclusion(), "; 1 of 7 thresholds do not hold: Orchestrix / go-streams (pipeline) is - (bar: ≥ 3).")
}

func TestQuantity(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{2_312_345, "commands/s", "2.31 M/s"},
		{3_000_400, "commands/s", "3.00 M/s"},
		{999_600, "events/s", "1.00 M/s"},
		{832, "events/s", "832 /s"},
		{1.0912, "ms", "1.09 ms"},
		{0.01234, "ms", "12.3 µs"},
		{554.21, "ms", "554 ms"},
		{1200, "ms", "1.20 s"},
		{0, "ms", "0 s"},
		{450, "ns/event", "450 ns"},
		{98, "bytes/aggregate", "98 B"},
		{2048, "bytes", "2.05 kB"},
		{0.4567, "", "0.457"},
		{4, "", "4"},
		{10_000, "", "10 k"},
		{1_100_000, "", "1.1 M"},
		{-1234, "", "-1.23 k"},
		{0.00123, "", "0.00123"},
		{1.5e12, "", "1500 G"},
		{math.NaN(), "ms", "-"},
		{math.Inf(-1), "ms", "-"},
	} {
		require.Equal(t, c.want, Quantity(c.v, c.unit), "%v %s", c.v, c.unit)
	}
}
