package pipeline

// laneRow is a first-in first-out row: the lane that is ready longest is taken first.
type laneRow struct {
	head, tail *lane
	length     int
}

func (r *laneRow) push(l *lane) {
	if r.tail == nil {
		r.head = l
	} else {
		r.tail.nextReady = l
	}
	r.tail = l
	r.length++
}

func (r *laneRow) pop() *lane {
	l := r.head
	r.head, l.nextReady = l.nextReady, nil
	if r.head == nil {
		r.tail = nil
	}
	r.length--
	return l
}

// unpop puts a lane back at the head.
func (r *laneRow) unpop(l *lane) {
	l.nextReady, r.head = r.head, l
	if r.tail == nil {
		r.tail = l
	}
	r.length++
}
