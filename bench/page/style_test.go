package page

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var colour = regexp.MustCompile(`--(\w+): #([0-9a-f]{6})`)

// TestContrast holds the colours of both themes against WCAG 2.2 AA: 4.5 for letters, 3 for what is drawn.
func TestContrast(t *testing.T) {
	css, err := files.ReadFile("style.css")
	require.NoError(t, err)
	light, rest, found := strings.Cut(string(css), "prefers-color-scheme: dark")
	require.True(t, found)
	dark, _, _ := strings.Cut(rest, "* {")
	for theme, block := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]float64{}
		for _, m := range colour.FindAllStringSubmatch(block, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, name := range []string{"ink", "soft", "ours", "kept", "missed", "c0", "c1", "c2", "c3", "c4"} {
			require.GreaterOrEqual(t, contrast(colours[name], colours["paper"]), 4.5, "%s, %s", theme, name)
		}
		require.GreaterOrEqual(t, contrast(colours["other"], colours["paper"]), 3.0, "%s, bars", theme)
	}
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

func luminance(t *testing.T, hex string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		channel, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		v := float64(channel) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}
