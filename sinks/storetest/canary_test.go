package storetest_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/storetest"
)

// TestMain spares rapid the work of making failures short, and gives it a seed: here every failure is wanted, and known.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"rapid.shrinktime": "0s", "rapid.nofailfile": "true", "rapid.seed": "1", "rapid.checks": "150",
	} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// withFlaw opens canaries; the flaw "" is none.
func withFlaw(flaw string) func(storetest.Reporter, string) engine.Store {
	clear(disks)
	return func(_ storetest.Reporter, dir string) engine.Store { return hatch(flaw, dir) }
}

func good(storetest.Reporter, string) engine.Store { return memory.New() }

// TestCanariesAreCaught shows that every check finds the faults that it is there for. A check that lets one pass is
// itself at fault.
func TestCanariesAreCaught(t *testing.T) {
	storetest.HavePatience(t, time.Second/2)
	for _, c := range caught {
		t.Run(c.check, func(t *testing.T) {
			for _, flaw := range c.flaws {
				var found []string
				history := 0
				for ; history < histories(c.check) && len(found) == 0; history++ {
					found = storetest.Observe(t, c.check, withFlaw(flaw), good)
				}
				if len(found) == 0 {
					t.Errorf("the canary got away: %q", flaw)
					continue
				}
				t.Logf("%q is caught in history %d: %.200s", flaw, history, found[0])
			}
		})
	}
}

// histories is how many histories a check has to find a fault. Most rules have one, for they do the same each time. What
// is random or concurrent may do nothing in one history that shows the fault, and is meant to be run many times.
func histories(check string) int {
	for _, word := range []string{
		"machine", "differential", "linearizable", "long", "random", "concurrent", "beside", "half", "follow", "wait",
	} {
		if strings.HasPrefix(check, word) || strings.Contains(check, " "+word) {
			return 10
		}
	}
	return 1
}

// TestGoodStorePasses shows that it is the flaw that is caught, and nothing else.
func TestGoodStorePasses(t *testing.T) {
	for _, c := range caught {
		require.Empty(t, storetest.Observe(t, c.check, withFlaw(""), good), c.check)
	}
}

// TestEveryRuleHasACanary keeps a rule from being added that nobody has seen to fail.
func TestEveryRuleHasACanary(t *testing.T) {
	for _, rule := range storetest.RuleNames() {
		require.True(t, slices.ContainsFunc(caught, func(c struct {
			check string
			flaws []string
		},
		) bool {
			return c.check == rule && len(c.flaws) > 0
		}), "add a canary that the rule %q catches", rule)
	}
}
