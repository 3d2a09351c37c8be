package simulate

import (
	"strconv"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
)

// plan is what a seed draws before anything runs.
type plan struct {
	dice
	seed       uint64
	roomy      bool // see furnish
	ponders    bool // deciders take their time, which they should not
	options    pipeline.Options
	aggregates int
	input      []script
	lots       []lot
	odds       [faults]float64
	handler    time.Duration // most that a handler takes, unless it hangs
	storage    time.Duration // most that a call of the store takes, as far
	gap        time.Duration // most between two arrivals
	burst      float64       // how likely there is no gap
	hang       time.Duration // most that what hangs hangs
	keeps      bool          // the store keeps dead letters
	instant    bool          // the store says of itself that it waits for nothing
}

// script is one command of the input, and what it is bound to do.
type script struct {
	number    int
	aggregate int
	kind      kind
	amounts   []int // one event each; their sum must not overdraw the account
	rejects   bool  // its second handler refuses it
	poison    place // whose code fails on it until somebody mends it; nowhere when nothing does
	id        engine.ID
}

// kind is who handles a command.
type kind string

const (
	put  kind = "put"  // the decider alone
	note kind = "note" // two handlers
	mix  kind = "mix"  // a handler, the decider, two handlers
)

// lot is what becomes of one pipeline.
type lot struct {
	way     way
	clients int
	ends    fault         // none: when its input ends
	at      time.Duration // when it ends otherwise
	drain   time.Duration
	follow  bool
	replay  bool // what is dead-lettered by then comes first
}

// way is how commands get into a pipeline.
type way string

const (
	feeding   way = "sources that feed"
	streaming way = "go-streams sources with stages"
	sending   way = "clients that send"
	doing     way = "clients that wait for each"
	chaining  way = "a plain go-streams chain"
	replaying way = "the source of dead letters" // only in the end: it has no other input
)

// draw makes the plan of a seed.
func draw(seed uint64, roomy bool) plan {
	h := &hat{dice: dice(mixed(seed))}
	p := plan{dice: dice(mixed(seed + 1)), seed: seed, roomy: roomy}
	p.options = pipeline.Options{
		Workers: pick(h, 1, 2, 5, 64), Window: pick(h, 1, 2, 7, 64, 4096), Batch: pick(h, 1, 2, 3, 16, 256),
		Cache: pick(h, -1, 1, 2, 0), Conflicts: pick(h, 1, 3, 1000, 1000),
	}
	p.options.Share = pick(h, 0, 0, 1, min(3, p.options.Window))
	p.options.Retry = pipeline.RetryPolicy{
		Attempts: pick(h, 1, 2, 3, 5), First: pick(h, time.Millisecond, 50*time.Millisecond),
		Most: pick(h, 10*time.Millisecond, 5*time.Second), Total: pick(h, 20*time.Millisecond, time.Minute, time.Hour), Seed: seed + 1,
	}
	if p.keeps = h.whether(0.6); p.keeps {
		p.options.Policy = pick(h, pipeline.Skip, pipeline.Park, pipeline.Park)
		if h.whether(0.3) {
			p.options.Policies = map[string]pipeline.Policy{string(note): pick(h, pipeline.Skip, pipeline.Park)}
		}
	}
	p.options.HandlerTimeout = pick(h, -1, 0, 5*time.Millisecond, 100*time.Millisecond)
	p.options.CommandTimeout = pick(h, 0, 0, 0, 20*time.Millisecond, 5*time.Second)
	p.options.Abandoned = pick(h, 0, 0, 1, 3)
	if h.whether(0.2) {
		p.options.Limits = []pipeline.Limit{pick(h,
			pipeline.Limit{Rate: 2000, Burst: 2}, pipeline.Limit{Type: string(mix), Concurrency: 1}, pipeline.Limit{
				Concurrency: 2, Groups: 2, Group: func(cmd *engine.Command) string { return cmd.Subject },
			})}
	}
	p.aggregates = pick(h, 1, 2, 3, 5, 8)
	ms := time.Millisecond
	p.handler, p.storage = pick(h, 10*time.Microsecond, ms, 20*ms), pick(h, time.Microsecond, ms, 20*ms)
	p.gap, p.burst = pick(h, 100*time.Microsecond, ms, 10*ms), pick(h, 0, 0.5, 0.95)
	p.hang, p.instant = pick(h, 100*ms, 10*time.Second, time.Hour), h.whether(0.3)
	p.ponders = h.whether(0.2)
	for f := range faults {
		if h.whether(0.4) { // a swarm: most seeds know some faults only, so that none hides another
			p.odds[f] = pick(h, 0.01, 0.05, 0.2)
		}
	}
	if roomy {
		p.furnish()
	}
	p.write(h)
	p.fare(h)
	return p
}

// furnish makes a world that replays to the nanosecond. Nothing in it waits for a worker or for a place in the window, and
// every command goes through handlers, which take their time: so no two turns are ever ready at the same instant, where
// it would be up to the processors which comes first. Hence no dead letters are kept: what is told to be one then goes
// through the store once more, and what is parked goes through no handler. And nothing is cut off for its time: the
// lookout, which does that, comes by when it likes.
func (p *plan) furnish() {
	o := &p.options
	o.Workers, o.Window, o.Share, p.burst, p.ponders = 64, 4096, 0, 0, false
	o.HandlerTimeout, o.CommandTimeout, o.Limits = -1, 0, nil
	o.Policy, o.Policies, p.keeps, p.odds[storeExits] = pipeline.Skip, nil, false, 0
}

// write makes the input.
func (p *plan) write(h *hat) {
	poison := p.odds[poison] / 2
	kinds := []kind{note, mix, put}
	if p.roomy {
		kinds = kinds[:2]
	}
	for n := range pick(h, 8, 20, 40, 40, 120) {
		s := script{number: n, aggregate: h.number(p.aggregates), kind: pick(h, kinds...), id: commandIDs[n]}
		for range h.number(4) {
			s.amounts = append(s.amounts, h.number(9)-3)
		}
		s.rejects = s.kind != put && h.whether(0.05)
		if h.whether(poison) {
			s.poison = pick(h, s.places()...)
		}
		p.input = append(p.input, s)
	}
}

// fare makes the fates of the pipelines that come before the faults stop.
func (p *plan) fare(h *hat) {
	for range 1 + h.number(4) {
		l := lot{
			way: pick(h, feeding, streaming, sending, doing, chaining), clients: 1 + h.number(3), follow: h.whether(0.3),
			replay: h.whether(0.3), ends: pick(h, none, stops, stops, cuts, crashes, shuts), at: time.Duration(1 + h.number(int(p.span()))),
			drain: pick(h, time.Second, time.Minute, 24*time.Hour),
		}
		if l.ends == cuts {
			l.drain = time.Duration(1 + h.number(int(20*time.Millisecond)))
		}
		p.lots = append(p.lots, l)
	}
}

// span is about how long the whole input takes.
func (p *plan) span() time.Duration {
	return time.Duration(len(p.input)) * (p.gap + p.handler + p.storage) / 2
}

// of tells whether a fault comes at the n-th chance for it at a spot.
func (p *plan) of(f fault, at spot, n int) bool {
	return p.odds[f] > 0 && p.part(at, n<<8+int(f)) < p.odds[f]
}

// mostCommands is how many commands an input has at most.
const mostCommands = 128

// commandIDs names the commands of every input.
var commandIDs, commandNumbers = func() (ids [mostCommands]engine.ID, numbers map[engine.ID]int) {
	numbers = map[engine.ID]int{}
	for n := range ids {
		ids[n] = engine.NameID("simulation", strconv.Itoa(n))
		numbers[ids[n]] = n
	}
	return ids, numbers
}()
