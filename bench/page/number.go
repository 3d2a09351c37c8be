package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const missing = "–" // stands where there is no number

// usable tells numbers that can be shown and drawn from the rest. The limit leaves room to add and to divide.
func usable(v float64) bool { return math.Abs(v) <= 1e300 } // false for what is not a number

// short gives three digits, for a picture: "2.61M", "832k", "0.45".
func short(v float64) string {
	if !usable(v) {
		return missing
	}
	v = digits(v, 3)
	switch size := math.Abs(v); {
	case size >= 1e15 || size < 1e4:
		return full(v)
	case size >= 1e9:
		return plain(v/1e9) + "G"
	case size >= 1e6:
		return plain(v/1e6) + "M"
	}
	return plain(v/1e3) + "k"
}

// full gives at least four digits and all of a whole number, for a table: "2,612,345", "1.094".
func full(v float64) string {
	switch size := math.Abs(v); {
	case !usable(v):
		return missing
	case size >= 1e15:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case size >= 999.95: // with four digits, a thousand
		return grouped(strconv.FormatFloat(math.Round(v), 'f', 0, 64))
	}
	return plain(digits(v, 4))
}

// digits rounds to so many significant digits.
func digits(v float64, n int) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', n, 64), 64)
	return v
}

// plain writes all digits that a number has, and an exponent only where there would be a row of zeros.
func plain(v float64) string {
	if size := math.Abs(v); size != 0 && (size < 1e-4 || size >= 1e15) {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return strconv.FormatFloat(digits(v, 12)+0, 'f', -1, 64) // +0 drops the sign of a negative zero
}

// grouped puts commas between the thousands of a whole number.
func grouped(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return sign + s
}

func count(n int, of string) string {
	if n != 1 {
		of += "s"
	}
	return fmt.Sprintf("%s %s", grouped(strconv.Itoa(n)), of)
}
