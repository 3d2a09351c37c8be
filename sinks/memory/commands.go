package memory

import "github.com/orchestrix-go/orchestrix/engine"

// stream is one aggregate: the positions of its events, in version sequence. Version v stands at index v-1.
// A copy of the slice is a view that stays valid, as a copy of the log is.
type stream struct {
	name      string
	positions []engine.Position
}

// version is the number of events.
func (s *stream) version() engine.Version {
	if s == nil {
		return 0
	}
	return engine.Version(len(s.positions))
}

// receipt is the first result of one command id, without what a duplicate does not repeat.
type receipt struct {
	stream      *stream // the aggregate that the id belongs to
	first, last engine.Version
	position    engine.Position
	rejection   string
	digest      uint64 // of what the command said; 0 when that is not known
}

// commands remembers the first result of every command id (G6). The map holds an index instead of the receipt: its
// buckets then hold no pointer, and the garbage collector passes over millions of ids without looking at them.
type commands struct {
	index    map[engine.ID]uint32
	receipts [][]receipt // pages of receiptsPage, so that growing never copies
	count    uint32
}

const receiptsPage = 4096

// find gives the receipt of an id, or nil.
func (c *commands) find(id engine.ID) *receipt {
	if i, ok := c.index[id]; ok {
		return &c.receipts[i/receiptsPage][i%receiptsPage]
	}
	return nil
}

// add keeps the first result of an id.
func (c *commands) add(id engine.ID, first receipt) {
	if c.count%receiptsPage == 0 {
		c.receipts = append(c.receipts, make([]receipt, 0, receiptsPage))
	}
	page := &c.receipts[len(c.receipts)-1]
	*page = append(*page, first)
	c.index[id] = c.count
	c.count++
}

// answer is the result for a command id that comes again: the first one, unless it comes for another aggregate or with
// other words.
func (r *receipt) answer(a *engine.Append) engine.Result {
	if r.stream.name != a.Aggregate || r.digest != 0 && a.Digest != 0 && r.digest != a.Digest {
		return engine.Result{Err: &engine.ReusedError{CommandID: a.CommandID, First: r.stream.name, Again: a.Aggregate}}
	}
	return engine.Result{
		First: r.first, Last: r.last, Position: r.position, Rejection: r.rejection, Duplicate: true,
	}
}
