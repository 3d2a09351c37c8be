package memory

// pageItems is how many items one page holds. A page of events is 18 KiB: large enough that a new one is rare, small enough
// that it is still in the processor's cache, where it was cleared, when it is filled.
const pageItems = 256

// pages is a list that grows by whole pages, so that an item never moves: it may be pointed to.
type pages[T any] struct {
	list   []*[pageItems]T
	length uint64
}

// add gives room for one more item, empty, and its number, from 1.
func (p *pages[T]) add() (*T, uint64) {
	if p.length%pageItems == 0 {
		p.list = append(p.list, new([pageItems]T))
	}
	p.length++
	return p.at(p.length), p.length
}

// at gives the item of a number.
func (p *pages[T]) at(number uint64) *T {
	return &p.list[(number-1)/pageItems][(number-1)%pageItems]
}
