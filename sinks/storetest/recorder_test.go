package storetest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Reporter is what an opener of the canaries is given.
type Reporter = reporter

// recorder is a reporter that keeps what it is told instead of failing a test.
type recorder struct {
	*testing.T // for names, folders and Helper; nothing below lets a failure through to it
	mu         sync.Mutex
	failures   []string
	cleanups   []func()
	failed     bool
}

func (r *recorder) Logf(string, ...any) {}

func (r *recorder) Log(...any) {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.failures = append(r.failures, strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
}

func (r *recorder) Error(args ...any) { r.Errorf("%s", fmt.Sprint(args...)) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

func (r *recorder) Skipf(string, ...any) { runtime.Goexit() }

func (r *recorder) Skip(...any) { runtime.Goexit() }

func (r *recorder) SkipNow() { runtime.Goexit() }

func (r *recorder) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

// observe runs a check in a goroutine of its own, which the check may end, and gives what it found.
func observe(t *testing.T, check func(r *recorder)) []string {
	t.Helper()
	r := &recorder{T: t}
	var running sync.WaitGroup
	protected := func(f func()) {
		running.Go(func() {
			defer func() {
				if failure := recover(); failure != nil {
					r.Errorf("panic: %v", failure)
				}
			}()
			f()
		})
		running.Wait()
	}
	protected(func() { check(r) })
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		protected(r.cleanups[i])
	}
	if r.failed && len(r.failures) == 0 {
		return []string{"failed without a word"}
	}
	return r.failures
}

// RuleNames gives the names of all rules.
func RuleNames() []string {
	var names []string
	for _, r := range rules {
		names = append(names, r.name)
	}
	for _, r := range durableRules {
		names = append(names, r.name)
	}
	return names
}

// Checkers are the checks besides the rules, small enough to run for every canary. Good opens a store that keeps all
// promises, to compare with.
func Checkers(good func(Reporter, string) engine.Store) map[string]func(Reporter, func(Reporter, string) engine.Store) {
	type open = func(Reporter, string) engine.Store
	return map[string]func(Reporter, open){
		"machine":      func(t Reporter, bad open) { machine(t, bad) },
		"differential": func(t Reporter, bad open) { machine(t, good, bad) },
		"linearizable": func(t Reporter, bad open) {
			for range 2 {
				linearizable(t, bad, Concurrency{Operations: 400, Aggregates: 3, Seed: 1})
			}
		},
		"long":    func(t Reporter, bad open) { long(t, bad, Concurrency{Operations: 3000, Seed: 1}) },
		"refused": func(t Reporter, bad open) { refused(t, bad, 100_000) },
	}
}

// Observe runs one rule or one of the Checkers against a store, and gives what it found: nothing when all is well.
func Observe(t *testing.T, name string, open, good func(Reporter, string) engine.Store) []string {
	t.Helper()
	if check, ok := Checkers(good)[name]; ok {
		return observe(t, func(r *recorder) { check(r, open) })
	}
	for _, rule := range rules {
		if rule.name == name {
			return observe(t, func(r *recorder) { rule.check(newProbe(r, open(r, r.TempDir()))) })
		}
	}
	for _, rule := range durableRules {
		if rule.name == name {
			return observe(t, func(r *recorder) { runDurable(r, rule, open) })
		}
	}
	t.Fatalf("there is no check named %q", name)
	return nil
}

// HavePatience makes the rules wait shorter for what does not come.
func HavePatience(t *testing.T, d time.Duration) {
	before := patience
	patience = d
	t.Cleanup(func() { patience = before })
}
