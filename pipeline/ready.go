package pipeline

// readyQueue holds the lanes that are ready: the one that is ready longest is taken first. They stand in a ring, so that
// the processor fetches several at once; chained, each would have to be there before the next one is known.
type readyQueue struct {
	ring   []*lane // none, or a power of two
	first  int     // place of the one that is ready longest
	length int
}

// place is that of the lane so many behind the first. Before the first one it is the last place.
func (r *readyQueue) place(n int) int { return (r.first + n) & (len(r.ring) - 1) }

// head is the lane that is taken next, nil when there is none.
func (r *readyQueue) head() *lane {
	if r.length == 0 {
		return nil
	}
	return r.ring[r.first]
}

func (r *readyQueue) push(l *lane) {
	r.grow()
	r.ring[r.place(r.length)] = l
	r.length++
}

func (r *readyQueue) pop() *lane {
	l := r.ring[r.first]
	r.ring[r.first] = nil
	r.first = r.place(1)
	r.length--
	return l
}

// unpop puts a lane back at the head.
func (r *readyQueue) unpop(l *lane) {
	r.grow()
	r.first = r.place(-1)
	r.ring[r.first] = l
	r.length++
}

// grow sees to it that there is a free place.
func (r *readyQueue) grow() {
	if r.length < len(r.ring) {
		return
	}
	ring := make([]*lane, max(64, 2*len(r.ring)))
	copy(ring[copy(ring, r.ring[r.first:]):], r.ring[:r.first])
	r.ring, r.first = ring, 0
}
