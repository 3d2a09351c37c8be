package simulate

import (
	"errors"
	"fmt"
	"strings"
)

// fault is one thing that can go wrong.
type fault int

// The faults, by what they befall.
const (
	none fault = iota

	// A handler or a decider.
	fails  // an error that may pass
	breaks // an error that will not
	panics
	exits // runtime.Goexit
	hangs // ignores its context for a long time
	poison

	// The store.
	intrusion   // another writer gets in first
	refusal     // nothing stored, with an error
	lostReply   // stored, and no answer
	lostRequest // not stored, and no answer
	storePanics
	storeExits
	storeHangs
	loadFails
	loadPanics

	// Whoever uses the pipeline.
	cancels // of a Do or a Wait
	repeats // the same command again while the first may be under way
	sourceFails
	sourcePanics
	followerFails

	// The pipeline as a whole.
	stops   // its context is cancelled, with time to drain
	cuts    // and without
	crashes // the process is gone: what is not stored never will be
	shuts   // the store shuts itself

	faults // how many there are
)

var faultNames = [faults]string{
	fails: "temporary errors", breaks: "permanent errors", panics: "panics", exits: "goroutines ended", hangs: "hangs",
	poison: "poisoned calls", intrusion: "other writers", refusal: "refused appends", lostReply: "lost replies",
	lostRequest: "lost requests", storePanics: "store panics", storeExits: "stores that end their goroutine",
	storeHangs: "store hangs", loadFails: "failed loads", loadPanics: "panicking loads", cancels: "cancels", repeats: "repeated commands", sourceFails: "failed sources",
	sourcePanics: "panicking sources", followerFails: "failed followers", stops: "stops", cuts: "cuts",
	crashes: "crashes", shuts: "shut stores",
}

func (f fault) String() string { return faultNames[f] }

// misfortune is the error that a fault shows itself with. It says whom it befell, so that it can be told from all others.
type misfortune struct {
	fault fault
	life  int
	spot
	call int // the how manieth thing that happened at the spot
}

func (m *misfortune) Error() string {
	return fmt.Sprintf("%s in life %d: %s of #%d, call %d", m.fault, m.life, m.place, m.number, m.call)
}

// Temporary tells whether another try may go better.
func (m *misfortune) Temporary() bool {
	return m.fault == fails || m.fault == refusal || m.fault == loadFails
}

// blamed finds the misfortune behind an error, or nil.
func blamed(err error) *misfortune {
	m, _ := errors.AsType[*misfortune](err)
	return m
}

// misfortunes finds all of them in a tree of errors.
func misfortunes(err error, found []*misfortune) []*misfortune {
	switch e := err.(type) {
	case *misfortune:
		return append(found, e)
	case interface{ Unwrap() error }:
		return misfortunes(e.Unwrap(), found)
	case interface{ Unwrap() []error }:
		for _, wrapped := range e.Unwrap() {
			found = misfortunes(wrapped, found)
		}
	}
	return found
}

// figures is how often each fault happened, and what else a run is measured by.
type figures struct {
	faults     [faults]int
	seeds      int
	lives      int
	commands   int
	admissions int
	events     int
	outcomes   map[string]int
}

func (f *figures) add(more *figures) {
	for i, n := range more.faults {
		f.faults[i] += n
	}
	f.seeds += more.seeds
	f.lives += more.lives
	f.commands += more.commands
	f.admissions += more.admissions
	f.events += more.events
	if f.outcomes == nil {
		f.outcomes = map[string]int{}
	}
	for name, n := range more.outcomes {
		f.outcomes[name] += n
	}
}

// String is the figures as they can be quoted.
func (f *figures) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d seeds: %d commands, admitted %d times in %d lives of pipelines, %d events\n",
		f.seeds, f.commands, f.admissions, f.lives, f.events)
	b.WriteString("outcomes:")
	for _, name := range []string{"accepted", "rejected", "dead-lettered", "unknown", "repeated"} {
		fmt.Fprintf(&b, " %d %s", f.outcomes[name], name)
	}
	b.WriteString("\nfaults:")
	for i, name := range faultNames {
		if name != "" {
			fmt.Fprintf(&b, " %d %s,", f.faults[i], name)
		}
	}
	return strings.TrimSuffix(b.String(), ",")
}
