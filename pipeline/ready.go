package pipeline

// readyQueue holds the lanes that are ready, the one that is ready longest first. It is a ring buffer: the processor fetches
// several lanes at once, where a linked list has it wait for each to learn the next.
type readyQueue struct {
	ring   []*lane // a power of two of places, or none: at most 64, or less than twice the commands in flight
	head   int     // index of the lane that is taken next
	length int
}

// index is where the lane so many behind the head stands; -1 is the place before it.
func (r *readyQueue) index(n int) int { return (r.head + n) & (len(r.ring) - 1) }

// front is the lane that is taken next. There must be one.
func (r *readyQueue) front() *lane { return r.ring[r.head] }

func (r *readyQueue) push(l *lane) {
	r.grow()
	r.ring[r.index(r.length)] = l
	r.length++
}

func (r *readyQueue) pop() *lane {
	l := r.ring[r.head]
	r.ring[r.head] = nil
	r.head = r.index(1)
	r.length--
	return l
}

// unpop puts a lane back at the head.
func (r *readyQueue) unpop(l *lane) {
	r.grow()
	r.head = r.index(-1)
	r.ring[r.head] = l
	r.length++
}

// grow sees to it that there is a free place.
func (r *readyQueue) grow() {
	if r.length < len(r.ring) {
		return
	}
	ring := make([]*lane, max(64, 2*len(r.ring))) // always a power of two
	copy(ring[copy(ring, r.ring[r.head:]):], r.ring[:r.head])
	r.ring, r.head = ring, 0
}
