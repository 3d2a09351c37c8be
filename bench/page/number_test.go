package page

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		v           float64
		short, full string
	}{
		{0, "0", "0"},
		{math.Copysign(0, -1), "0", "0"},
		{0.473, "0.473", "0.473"},
		{1.0944, "1.09", "1.094"},
		{999.96, "1,000", "1,000"},
		{4096, "4,100", "4,096"},
		{9999, "10k", "9,999"},
		{69_098, "69.1k", "69,098"},
		{999_999, "1M", "999,999"},
		{-2_612_345, "-2.61M", "-2,612,345"},
		{1.2e10, "12G", "12,000,000,000"},
		{1.5e18, "1.5e+18", "1.5e+18"},
		{0.00012, "0.00012", "0.00012"},
		{1.5e-7, "1.5e-07", "1.5e-07"},
		{math.NaN(), missing, missing},
		{math.Inf(-1), missing, missing},
	} {
		require.Equal(t, c.short, short(c.v), "short %v", c.v)
		require.Equal(t, c.full, full(c.v), "full %v", c.v)
	}
}
