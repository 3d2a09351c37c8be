package pipeline

// readyQueue holds the lanes that are ready: the one that is ready longest is taken first.
type readyQueue struct {
	head, tail *lane
	length     int
}

func (r *readyQueue) push(l *lane) {
	if r.tail == nil {
		r.head = l
	} else {
		r.tail.nextReady = l
	}
	r.tail = l
	r.length++
}

func (r *readyQueue) pop() *lane {
	l := r.head
	r.head, l.nextReady = l.nextReady, nil
	if r.head == nil {
		r.tail = nil
	}
	r.length--
	return l
}

// unpop puts a lane back at the head.
func (r *readyQueue) unpop(l *lane) {
	l.nextReady, r.head = r.head, l
	if r.tail == nil {
		r.tail = l
	}
	r.length++
}
