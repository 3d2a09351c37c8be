package storetest

import (
	"fmt"
	"math/rand/v2"

	"github.com/orchestrix-go/orchestrix/engine"
)

// randomHistories appends at random to a few aggregates, with ids and versions that are often wrong, and compares every
// answer and every stream with the model's. The seed is logged; the same seed gives the same history. Machine does the
// same with every method of a store, and shrinks what it finds.
func randomHistories(p *probe) {
	seed := chosenSeed(0)
	p.t.Logf("%s=%d", envSeed, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := newModel()
	var used []engine.Append
	for call := range 150 {
		batch := make([]engine.Append, random.IntN(8))
		for i := range batch {
			batch[i] = randomAppend(random, m, used)
			used = append(used, batch[i])
		}
		chainAtRandom(random, batch)
		results := p.call(batch...)
		want, _ := m.call(batch)
		for i, got := range results {
			where := fmt.Sprintf("%s=%d, call %d, append %d", envSeed, seed, call, i)
			got.Position = 0
			p.Equal(want[i], got, where)
		}
	}
	for aggregate := range m.streams {
		var got []engine.Message
		for _, event := range p.load(aggregate) {
			got = append(got, event.Message)
		}
		p.Equal(m.load(aggregate, 1), got, "G3: %s=%d: the stream of %q", envSeed, seed, aggregate)
	}
}

// chainAtRandom chains some appends of a call to the ones before them, if those are of the same aggregate, and lets their
// expectation hold where a chain that is whole leads to.
func chainAtRandom(random *rand.Rand, batch []engine.Append) {
	for i := 1; i < len(batch); i++ {
		before, a := &batch[i-1], &batch[i]
		if a.Chained = a.Aggregate == before.Aggregate && random.IntN(2) == 0; !a.Chained {
			continue
		}
		switch random.IntN(3) {
		case 0:
			a.Expected = engine.Any
		case 1:
			a.Expected = before.Expected + engine.Expected(len(before.Events))
		}
	}
}

// randomAppend makes an append that is right about half of the time.
func randomAppend(random *rand.Rand, m *model, used []engine.Append) engine.Append {
	aggregate := fmt.Sprint("a", random.IntN(5))
	a := newAppend(aggregate, engine.Exactly(m.version(aggregate)), random.IntN(4))
	a.Digest = uint64(random.IntN(3))
	switch random.IntN(10) {
	case 0:
		a.Expected = engine.Any
	case 1:
		a.Expected = engine.Exactly(engine.Version(random.IntN(20)))
	case 2:
		a.CommandID = engine.ID{}
	case 3:
		a.Events, a.Rejection = nil, "rejected at random"
	case 6:
		a.Expected = engine.Never
	case 4, 5:
		if len(used) > 0 { // an old command again: as it was, or with its id only
			old := used[random.IntN(len(used))]
			if random.IntN(2) == 0 {
				return old
			}
			a.CommandID = old.CommandID
		}
	}
	return a
}
