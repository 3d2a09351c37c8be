package bench

import (
	"slices"
	"time"
)

// A Report is what one call of the benchmark found, in the form that --json prints and that --compare reads.
type Report struct {
	Command string    `json:"command"` // that makes such a report
	Began   time.Time `json:"began"`
	Machine Machine   `json:"machine"`
	Studies []Study   `json:"studies"`
}

// Machine is where a report was measured. Ratios may be compared between machines, absolute figures may not.
type Machine struct {
	Cores     int    `json:"cores"`
	CPU       string `json:"cpu,omitempty"`
	MemoryGiB int    `json:"memory_gib,omitempty"`
	OS        string `json:"os"`
	Go        string `json:"go"`
}

// OK tells whether every check of every study passed.
func (r Report) OK() bool {
	return !slices.ContainsFunc(r.Studies, func(s Study) bool { return !s.OK() })
}

// Study finds a study by its name.
func (r Report) Study(name string) (Study, bool) {
	i := slices.IndexFunc(r.Studies, func(s Study) bool { return s.Name == name })
	if i < 0 {
		return Study{}, false
	}
	return r.Studies[i], true
}
