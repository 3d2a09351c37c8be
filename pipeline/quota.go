package pipeline

// A quota bounds the commands in flight of a lane, or of a group that a limit makes. Who brings one more waits in its line,
// without a place in the window: first come first served. A place that falls free there is promised to the first of the
// line and counts as taken from then on, so that nobody who comes later is ahead. Hence while anybody waits the quota is
// used up, and one comparison tells whether a command may enter. Guarded by lanes.mu.
type quota struct {
	load int32 // commands in flight, and places promised
}

// vacate gives places of a quota back, and promises them to who waits.
func (ls *lanes) vacate(q *quota, n, most int) {
	full := int(q.load) >= most
	if q.load -= int32(n); !full {
		return // nobody waits
	}
	line := ls.lines[q]
	for len(line) > 0 && int(q.load) < most {
		s := line[0]
		line = line[1:]
		give := min(s.want, most-int(q.load))
		q.load += int32(give)
		s.given <- give // never blocks: one place in the channel, one send
	}
	ls.wait(q, line)
}

// wait puts a line in the place of the one there is.
func (ls *lanes) wait(q *quota, line []*seat) {
	if len(line) == 0 {
		delete(ls.lines, q)
		return
	}
	ls.lines[q] = line
}

// turnAway refuses those that wait in any line, and whoever would.
func (ls *lanes) turnAway() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.shut = true
	for _, line := range ls.lines {
		for _, s := range line {
			s.given <- 0 // never blocks: one place in the channel, one send
		}
	}
	clear(ls.lines)
}
