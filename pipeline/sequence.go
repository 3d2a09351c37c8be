package pipeline

// Sequence is the verdict on a run: all four counts are zero when every aggregate's events stand in the sequence in
// which its commands arrived.
type Sequence struct {
	Gaps       int `json:"gaps"`       // versions missing in an aggregate's stream
	Swaps      int `json:"swaps"`      // neighbours of one aggregate that stand the wrong way round
	Lost       int `json:"lost"`       // acknowledged commands whose events are not there
	Duplicates int `json:"duplicates"` // commands whose events are there twice
}

// OK tells whether nothing is out of place.
func (s Sequence) OK() bool { return s == Sequence{} }
