package bench

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReportJSON(t *testing.T) {
	r := madeUp(1, 3, 5, 6)
	r.Command, r.Began = "orchestrix bench", time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	s := &r.Studies[0]
	s.Rows[0].Samples[1], s.Rows[0].X, s.Rows[1].Columns = math.NaN(), math.Inf(1), []float64{math.Inf(-1), 2}
	s.Checks = []Check{AtLeast("a / b", math.NaN(), 3)}
	s.Traces = []Trace{{Name: "trace", Out: []int{1, 0}}}
	s.Rows[1].Name = "broken \xff"
	var out bytes.Buffer
	require.NoError(t, WriteJSON(&out, r))
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
	var plain map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &plain), "any program can read it")

	back, err := ReadReport(&out)
	require.NoError(t, err)
	require.True(t, math.IsNaN(back.Studies[0].Rows[0].Samples[1]))
	require.True(t, math.IsNaN(back.Studies[0].Rows[1].Columns[0]))
	require.True(t, math.IsNaN(back.Studies[0].Checks[0].Value))
	require.Equal(t, "broken \uFFFD", back.Studies[0].Rows[1].Name)
	require.Equal(t, s.Rows[1].Samples, back.Studies[0].Rows[1].Samples)
	require.Equal(t, s.Traces, back.Studies[0].Traces)
	require.Equal(t, r.Machine, back.Machine)
	require.Equal(t, r.Began, back.Began)
}

func TestReadReportRefuses(t *testing.T) {
	for _, text := range []string{
		"", "{", "null", "[]", "{}", `{"studies":[]}`, `{"commands":5,"ok":true}`, `{"studies":[{"name":5}]}`,
		`{"studies":[{"name":"seed"}]} {}`, `{"studies":[{"name":"seed","rows":[{"samples":["5"]}]}]}`,
	} {
		_, err := ReadReport(strings.NewReader(text))
		require.ErrorContains(t, err, "no report of a benchmark", text)
	}
	r, err := ReadReport(strings.NewReader(`{"studies":[{"name":"seed"}]}`))
	require.NoError(t, err)
	require.Equal(t, "seed", r.Studies[0].Name)
}

func TestStudiesJSON(t *testing.T) {
	var out bytes.Buffer
	want := madeUp(1, 3, 5, 6).Studies
	require.NoError(t, WriteJSON(&out, want))
	got, err := ReadStudies(&out)
	require.NoError(t, err)
	require.Equal(t, want[0].Rows, got[0].Rows)
	_, err = ReadStudies(strings.NewReader("building…"))
	require.Error(t, err)
}
