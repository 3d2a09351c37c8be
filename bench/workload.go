package bench

import (
	"fmt"
	"iter"
	"runtime"
)

// A Workload is the work that every way of the pipeline study does, here and in bench/peers: deposits into many accounts,
// interleaved, one event each. What makes it the same work for all:
//
//   - The commands are made before the clock starts, in whatever form the way takes them.
//   - For each command the way decides (a deposit of nothing is refused), and makes one event with an id of its own, a
//     type, the account, the time, a version, a place in the whole log and a payload of its own. Ways that leave some of
//     that out say so in their name.
//   - The event is appended to the stream of its account and to the log of all, if the stream is at the version that the
//     way expects.
//   - The clock stops when the last event is stored and the way knows it.
//   - What was stored is read back then, and judged by OutOfSequence: a way that loses or reorders is not left out, but
//     its row says so.
type Workload struct {
	commands int
	accounts []string
}

// Deposit is the command of the workload, as its payload.
type Deposit struct {
	Number int64 `json:"number"` // 1 for the first deposit into its account, and so on
	Cents  int64 `json:"cents"`
}

// Deposited is the event that a Deposit causes.
type Deposited struct {
	Number int64 `json:"number"` // of the deposit
	Cents  int64 `json:"cents"`
}

// Stored is one event as a way's store gives it back.
type Stored struct {
	Account string
	Version uint64 // of the account, from 1
	Number  int64  // of the deposit
}

// NewWorkload spreads a number of commands over a number of accounts. Less than 1 means 1.
func NewWorkload(commands, accounts int) *Workload {
	w := &Workload{commands: max(1, commands), accounts: make([]string, max(1, accounts))}
	for i := range w.accounts {
		w.accounts[i] = fmt.Sprintf("account-%06d", i)
	}
	return w
}

// Commands is how many there are.
func (w *Workload) Commands() int { return w.commands }

// Accounts is how many accounts they are spread over.
func (w *Workload) Accounts() int { return len(w.accounts) }

// Command gives the account and the payload of command i, from 0. They go round the accounts in turn, so that the next
// command of an account comes after one for every other: the hardest mixture for whoever works in batches of an account.
func (w *Workload) Command(i int) (account string, deposit Deposit) {
	n := len(w.accounts)
	return w.accounts[i%n], Deposit{Number: int64(i/n) + 1, Cents: int64(i%97) + 1}
}

// Rate times work, which does all commands of the workload, and then judges what was stored, given in the sequence of the
// log. Its columns are those that Columns names. The commands must have been made before.
func (w *Workload) Rate(work func() error, stored func() iter.Seq[Stored]) (Sample, error) {
	runtime.GC() // the garbage of making the commands is none of the work
	sample, err := Rate(w.commands, work)
	if err != nil {
		return Sample{}, err
	}
	sample.Columns = append(sample.Columns, float64(w.OutOfSequence(stored())))
	return sample, nil
}

// Columns names the columns of Rate.
func (w *Workload) Columns() []string { return append(RateColumns("command"), "out of sequence") }

// OutOfSequence counts what is wrong with a log: events that stand behind a later one of their account or that have not
// the next version, and commands whose event is missing or there twice. It is 0 when every account has the events 1 to n
// in sequence.
func (w *Workload) OutOfSequence(stored iter.Seq[Stored]) int {
	type account struct {
		version uint64
		highest int64
	}
	accounts := make(map[string]*account, len(w.accounts))
	index := make(map[string]int, len(w.accounts))
	for i, name := range w.accounts {
		accounts[name], index[name] = &account{}, i
	}
	wrong, found := 0, 0
	seen := make([]bool, w.commands)
	for e := range stored {
		a := accounts[e.Account]
		if a == nil || e.Number < 1 {
			wrong++ // nobody's event
			continue
		}
		if e.Version != a.version+1 || e.Number < a.highest {
			wrong++
		}
		a.version, a.highest = e.Version, max(a.highest, e.Number)
		i := (int(e.Number)-1)*len(w.accounts) + index[e.Account]
		if i >= len(seen) || seen[i] {
			wrong++ // nobody's, or there already
			continue
		}
		seen[i] = true
		found++
	}
	return wrong + w.commands - found
}
