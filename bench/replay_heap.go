package bench

import "runtime/metrics"

// A heapWatch samples how many bytes of heap the collector found in use, which stops nobody, and keeps the most.
type heapWatch struct {
	sample      []metrics.Sample
	first, most uint64
}

func newHeapWatch() *heapWatch {
	h := &heapWatch{sample: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	h.look()
	h.first = h.most
	return h
}

func (h *heapWatch) look() {
	metrics.Read(h.sample)
	h.most = max(h.most, h.sample[0].Value.Uint64())
}

// grown is how many MiB more were in use than at first.
func (h *heapWatch) grown() float64 { return float64(h.most-h.first) / (1 << 20) }
