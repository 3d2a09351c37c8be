package bench

import (
	"fmt"
	"slices"
	"strings"
)

// Conclusion says in one sentence what the figures come to: what this engine does, against what, and which thresholds
// hold.
func (r Report) Conclusion() string {
	s := "Measured"
	if lead, ours, ok := r.lead(); ok {
		s = summary(lead, ours)
		if against := r.against(lead, ours); len(against) > 0 {
			s += ": " + strings.Join(against, ", ")
		}
	}
	return s + "; " + r.thresholds() + "."
}

// lead gives the study that says most, and its first row of ours, which is the one that counts: the pipeline, or the first
// study that has such a row.
func (r Report) lead() (study Study, ours Row, ok bool) {
	for _, s := range r.Studies {
		i := slices.IndexFunc(s.Rows, func(row Row) bool { return row.Ours && len(finite(row.Samples)) > 0 })
		if i >= 0 && (!ok || s.Name == "pipeline") {
			study, ours, ok = s, s.Rows[i], true
		}
	}
	return study, ours, ok
}

func summary(s Study, ours Row) string {
	does := "does"
	if s.Less {
		does = "takes"
	}
	number, prefix := scaled(Row{Samples: finite(ours.Samples)}.Median())
	return fmt.Sprintf("%s %s %s %s", ours.Name, does, number, strings.TrimSpace(prefix+" "+s.Unit))
}

// against are the ratios by which the lead and the peers hold the row against others, each of these once.
func (r Report) against(lead Study, ours Row) []string {
	peers, _ := r.Study("peers")
	var ratios, seen []string
	for _, c := range slices.Concat(lead.Checks, peers.Checks) {
		over, under, ok := strings.Cut(c.Name, " / ")
		under, _, _ = strings.Cut(under, ",")
		if ok && over == ours.Name && !slices.Contains(seen, under) {
			seen = append(seen, under)
			ratios = append(ratios, times(c.Value)+" "+under)
		}
	}
	return ratios
}

// times writes a ratio as one reads it: 0.56 of something, 4.1 times something.
func times(ratio float64) string {
	if ratio < 1 {
		return Quantity(ratio, "") + " of"
	}
	return Quantity(ratio, "") + " times"
}

// thresholds says which checks hold.
func (r Report) thresholds() string {
	all := 0
	var failed []string
	for _, s := range r.Studies {
		all += len(s.Checks)
		for _, c := range s.Checks {
			if !c.OK {
				failed = append(failed, fmt.Sprintf("%s (%s) is %s", c.Name, s.Name, c.Figure()))
			}
		}
	}
	switch {
	case all == 0:
		return "nothing was held against a threshold"
	case len(failed) == 0 && all == 1:
		return "the one threshold holds"
	case len(failed) == 0:
		return fmt.Sprintf("every one of %d thresholds holds", all)
	}
	return fmt.Sprintf("%d of %d thresholds do not hold: %s", len(failed), all, strings.Join(failed, ", "))
}

// Figure is the value beside its bar: 0.56 (bar: ≥ 0.45).
func (c Check) Figure() string {
	sign := "≥"
	if c.AtMost {
		sign = "≤"
	}
	return fmt.Sprintf("%s (bar: %s %s)", Quantity(c.Value, ""), sign, Quantity(c.Bar, ""))
}
