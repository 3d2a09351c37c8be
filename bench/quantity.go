package bench

import (
	"math"
	"strconv"
	"strings"
)

// Quantity writes a figure in three digits with its unit in short: 2.31 M/s for commands/s, 1.09 ms for ms, 98 B for
// bytes/aggregate. A figure without a unit ends in no zero: 0.45, 10 k. What is not a number is a dash.
func Quantity(v float64, unit string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	number, short := scaled(v)
	if unit == "" && strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".") // a count or a ratio: 10 k, 0.45
	}
	switch kind, _, _ := strings.Cut(unit, "/"); {
	case strings.HasSuffix(unit, "/s"):
		short += "/s"
	case seconds[kind] > 0: // ns/event too
		number, short = duration(v * seconds[kind])
	case kind == "bytes" || kind == "B":
		short += "B"
	}
	return strings.TrimSpace(number + " " + short)
}

// seconds in the units of time that studies use.
var seconds = map[string]float64{"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1}

// duration writes seconds in the unit that gives the shortest number.
func duration(v float64) (number, unit string) {
	switch size := math.Abs(v); {
	case size == 0 || size >= 0.9995:
		return digits(v), "s"
	case size >= 0.9995e-3:
		return digits(v * 1e3), "ms"
	case size >= 0.9995e-6:
		return digits(v * 1e6), "µs"
	}
	return digits(v * 1e9), "ns"
}

// scaled writes a number with the prefix of thousands that makes it short.
func scaled(v float64) (number, prefix string) {
	switch size := math.Abs(v); {
	case v == math.Trunc(v) && size < 1000: // a count
		return strconv.FormatFloat(v, 'f', 0, 64), ""
	case size < 999.5:
		return digits(v), ""
	case size < 999.5e3:
		return digits(v / 1e3), "k"
	case size < 999.5e6:
		return digits(v / 1e6), "M"
	}
	return digits(v / 1e9), "G"
}

// digits writes three of them: 0.00123, 1.09, 12.3, 123.
func digits(v float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	size := math.Abs(rounded)
	if size != 0 && size < 1e-4 || size >= 1e6 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	decimals := 0
	for limit := 100.0; size < limit && size > 0 && decimals < 6; limit /= 10 {
		decimals++
	}
	return strconv.FormatFloat(rounded, 'f', decimals, 64)
}
