package memory_test

import (
	"testing"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/storetest"
)

func openNew(*testing.T, string) engine.Store { return memory.New() }

// TestMachine compares random histories with a model.
func TestMachine(t *testing.T) { storetest.Machine(t, openNew) }

// TestLinearizable judges what concurrent clients were answered (G4).
func TestLinearizable(t *testing.T) { storetest.Linearizable(t, openNew, storetest.Concurrency{}) }

// TestLongHistory judges a history too long to search (G1 to G4, G6, G7).
func TestLongHistory(t *testing.T) { storetest.LongHistory(t, openNew, storetest.Concurrency{}) }

// TestRefusedLeavesNothing refuses appends until a leak would show (G10).
func TestRefusedLeavesNothing(t *testing.T) { storetest.Refused(t, openNew) }
